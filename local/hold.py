"""A stack's lock between the processes of a machine: whoever comes second is told who came first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.failure import CommandError


@contextmanager
def held(path: Path, stack: str, doing: str) -> Generator[None]:
    """Holds a lock while the block runs. The kernel frees it when its holder ends, however it ends.

    Args:
        path: of the lock; its folder is made.
        stack: that it is of.
        doing: a command's name, as the other one is to read it.

    Raises:
        CommandError: when another process has it: who, and what to do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "another process"
            raise CommandError(f"{who} is running on the stack {stack}; wait until it has ended, or end it") from None
        file.truncate(0)
        file.write(f"{doing} (process {os.getpid()})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
