"""Paths of the project, its state, and its tools."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flink_k8s.support.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
"""The project: the folder of `__main__.py` and the stack files."""


def home() -> Path:
    """The folder for programs and images that this project builds, outside of clones: `FLINK_K8S_HOME`."""
    return Path(os.environ.get("FLINK_K8S_HOME") or Path.home() / ".cache" / "flink-k8s")


def state() -> Path:
    """The folder for the state of stacks: `FLINK_K8S_STATE`."""
    return Path(os.environ.get("FLINK_K8S_STATE") or Path.home() / ".local" / "state" / "flink-k8s")


def find_tool(name: str) -> str:
    """The path of a command: on PATH, or built by the sandbox.

    Raises:
        CommandError: if it exists in neither.
    """
    built = home() / "bin" / name
    path = shutil.which(name) or (str(built) if os.access(built, os.X_OK) else None)
    if path is None:
        raise CommandError(
            f"{name} is neither on PATH nor in {built.parent}; install it, or run: python -m sandbox build"
        )
    return path
