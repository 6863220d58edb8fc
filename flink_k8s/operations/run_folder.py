"""A folder for what one run hands to an engine, so that runs side by side do not read each other's.

What the command itself writes into a stack's file, the salt of its passphrase, is kept for all runs.
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
"""What the command writes into a stack's file."""

_held: list[TextIO] = []
"""Locks of this process' folders; the kernel frees them when it ends, however it ends."""


def home() -> Path:
    """Where the command finds what it has written of each stack: it runs there, as if the project were there."""
    folder = state() / "config"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_folder() -> Path:
    """This process' own; gone when it ends.

    Raises:
        CommandError: when it cannot be made.
    """
    try:
        return _made(home())
    except OSError as error:
        raise CommandError(
            f"{state()}, where the stacks' state is kept, cannot be written: {error.strerror}; "
            "FLINK_K8S_STATE names another folder"
        ) from None


def kept(stack: str) -> dict[str, object]:
    """What the command has written into a stack's file, in this run or an earlier one."""
    return _keys(home() / f"Pulumi.{stack}.yaml")


def keep(copy: Path) -> None:
    """Keeps what a run's file of a stack says to the command, or has been told by it."""
    place = copy.parents[2] / copy.name
    before = _keys(place)
    found = {**before, **_keys(copy)}
    if found != before:
        write(place, found)


def write(path: Path, content: object) -> None:
    """Writes a YAML file whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    part.replace(path)


def _keys(path: Path) -> dict[str, object]:
    content = cast(Mapping[str, object], (yaml.safe_load(path.read_text()) if path.exists() else None) or {})
    return {key: content[key] for key in _KEPT if key in content}


@functools.cache
def _made(place: Path) -> Path:
    runs = place / "runs"
    runs.mkdir(exist_ok=True)
    with lock(place / "lock"):
        _sweep(runs)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs))
        _held.append(lock(folder / "lock"))
    atexit.register(_end, folder)
    return folder


def _end(folder: Path) -> None:
    for copy in folder.glob("Pulumi.*.yaml"):
        keep(copy)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(runs: Path) -> None:
    """Ends what killed runs have left."""
    for folder in runs.iterdir():
        try:
            lock(folder / "lock", wait=False).close()
        except BlockingIOError:
            continue
        _end(folder)
