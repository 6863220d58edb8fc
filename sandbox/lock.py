"""Locks between processes, so that two clones neither build the same thing nor change the cluster at once."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sandbox.home import PROJECT
from sandbox.report import say


@contextmanager
def locked(path: Path, what: str) -> Generator[None]:
    """Holds the lock of a file while the block runs; waits for whoever has it and says who that is.

    The kernel frees the lock when its holder ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # O_CLOEXEC (Python's default) keeps daemons that are started meanwhile from holding the lock on.
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"waiting for {file.read().strip() or 'another process'} to finish ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {PROJECT}, which is to {what},")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
