"""What the sandbox says while it works: lines of progress with the time since the start, and one line when it fails."""

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

_START = time.monotonic()
_STILL = 15.0  # seconds without news after which a long step says that it goes on


class Failure(Exception):  # noqa: N818 -- it reads as what it says
    """A step failed. The message is for the user: what failed, why, what to do; shown without a traceback."""


def say(text: str) -> None:
    """Prints a line of progress to stderr (stdout is for results)."""
    print(f"[{time.monotonic() - _START:4.0f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Generator[None]:
    """Says that a step begins, that it goes on, and how long it took."""
    started = time.monotonic()
    done = threading.Event()

    def still() -> None:
        while not done.wait(_STILL):
            say(f"{text}: still at it after {time.monotonic() - started:.0f} s")

    say(f"{text} …")
    watcher = threading.Thread(target=still, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    say(f"{text}: done in {time.monotonic() - started:.1f} s")
