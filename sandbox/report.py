"""Output of the sandbox: progress lines with the time since the start, and one line for a failure."""

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

_START = time.monotonic()
_STILL = 15.0  # interval of progress lines of a long step


class Failure(Exception):  # noqa: N818
    """A step failed. The message is for the user: step, reason, remedy; it is printed without a traceback."""


def say(text: str) -> None:
    """Print a progress line to stderr (stdout is for results)."""
    print(f"[{time.monotonic() - _START:4.0f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Generator[None]:
    """Print the start of a step, its progress, and its duration."""
    started = time.monotonic()
    result = threading.Event()

    def report_progress() -> None:
        while not result.wait(_STILL):
            say(f"{text}: still running after {time.monotonic() - started:.0f} s")

    say(f"{text} …")
    watcher = threading.Thread(target=report_progress, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        result.set()
        watcher.join()
    say(f"{text}: done in {time.monotonic() - started:.1f} s")
