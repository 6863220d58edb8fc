"""Where kubectl and helm are, and running them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flink_k8s.support.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
"""The project: the folder of `__main__.py` and the stack files."""


def home() -> Path:
    """Where everything that this project builds lies, outside of any clone: `FLINK_K8S_HOME`."""
    return Path(os.environ.get("FLINK_K8S_HOME") or Path.home() / ".cache" / "flink-k8s")


def state() -> Path:
    """Where this project keeps the state of its stacks: `FLINK_K8S_STATE`."""
    return Path(os.environ.get("FLINK_K8S_STATE") or Path.home() / ".local" / "state" / "flink-k8s")


def find_tool(name: str) -> str:
    """The path of a command: from PATH, else the one that the sandbox has built.

    Raises:
        CommandError: when there is neither.
    """
    own = home() / "bin" / name
    found = shutil.which(name) or (str(own) if os.access(own, os.X_OK) else None)
    if found is None:
        raise CommandError(
            f"{name} is neither on PATH nor in {own.parent}; install it, or run: python -m sandbox build"
        )
    return found
