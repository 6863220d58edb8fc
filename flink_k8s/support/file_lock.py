"""Locks between processes: a locked file. The kernel releases a lock when its process ends, for any reason."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


def lock(path: Path, *, wait: bool = True) -> TextIO:
    """Create a file if necessary and lock it; closing it releases the lock.

    Args:
        path: of the file.
        wait: whether to wait for another process that has the lock.

    Raises:
        BlockingIOError: another process has the lock, and `wait` is false.
    """
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file
