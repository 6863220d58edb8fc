"""Locks between processes, so that clones do not build or change the cluster at the same time."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sandbox.home import PROJECT
from sandbox.report import say


@contextmanager
def locked(path: Path, title: str) -> Generator[None]:
    """Hold the lock of a file while the block runs; waits for its current holder and prints it.

    The kernel releases the lock when its holder ends, for any reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # O_CLOEXEC (Python's default): daemons that are started in the block do not inherit the lock.
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"waiting for {file.read().strip() or 'another process'} to finish ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {PROJECT}, which is to {title},")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
