"""A folder per run for the files that the engine reads, so that concurrent runs do not read each other's files.

The keys that the `pulumi` command writes into a stack's file, such as the passphrase's salt, are kept for all runs.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO, cast

import yaml

from flink_k8s.support.errors import CommandError
from flink_k8s.support.file_lock import lock
from flink_k8s.support.paths import state

_KEPT = ("encryptionsalt", "secretsprovider", "encryptedkey")
"""Keys that the command writes into a stack's file."""

_locks: list[TextIO] = []
"""Locks of this process' folders; the kernel releases them when the process ends, for any reason."""


def config_folder() -> Path:
    """The folder with the keys that the command has written for each stack; the command runs in it."""
    folder = state() / "config"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_folder() -> Path:
    """The folder of this process; it is deleted when the process ends.

    Raises:
        CommandError: if it cannot be created.
    """
    try:
        return _created(config_folder())
    except OSError as error:
        raise CommandError(
            f"the state folder {state()} cannot be written: {error.strerror}; set FLINK_K8S_STATE to another folder"
        ) from None


def kept(stack: str) -> dict[str, object]:
    """The keys that the command has written into a stack's file, in this run or an earlier run."""
    return _keys(config_folder() / f"Pulumi.{stack}.yaml")


def keep(copy: Path) -> None:
    """Keep the command's keys from a run's copy of the stack file for later runs."""
    file = copy.parents[2] / copy.name
    before = _keys(file)
    after = {**before, **_keys(copy)}
    if after != before:
        write(file, after)


def write(path: Path, content: object) -> None:
    """Write a YAML file atomically."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    part.replace(path)


def _keys(path: Path) -> dict[str, object]:
    content = cast(Mapping[str, object], (yaml.safe_load(path.read_text()) if path.exists() else None) or {})
    return {key: content[key] for key in _KEPT if key in content}


@functools.cache
def _created(place: Path) -> Path:
    runs = place / "runs"
    runs.mkdir(exist_ok=True)
    with lock(place / "lock"):
        _sweep(runs)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs))
        _locks.append(lock(folder / "lock"))
    atexit.register(_end, folder)
    return folder


def _end(folder: Path) -> None:
    for copy in folder.glob("Pulumi.*.yaml"):
        keep(copy)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(runs: Path) -> None:
    """Keep the keys of killed runs and delete their folders."""
    for folder in runs.iterdir():
        try:
            lock(folder / "lock", wait=False).close()
        except BlockingIOError:
            continue
        _end(folder)
