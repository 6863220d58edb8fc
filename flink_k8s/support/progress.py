"""Lines about things that a command waits for."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from flink_k8s.support.console import say

_REDRAW: Final = "\r\x1b[2K"
"""Move to the start of the terminal's line, and erase it."""


def is_terminal() -> bool:
    """Whether output can be redrawn in place; the conditions are those of Pulumi."""
    is_attended = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return is_attended and not os.environ.get("CI")


class StatusLine:
    """A line about one thing: on a terminal it is redrawn with the elapsed time, elsewhere each change is a line.

    The caller polls the thing, and calls `show` each time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: in seconds.
        """
        self.text = ""
        self._clock = clock
        self._start = clock()
        self._is_terminal = is_terminal()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Keep the last text as a line."""
        if self._is_terminal and self.text:
            say("")

    def show(self, text: str) -> None:
        """Show the state of the thing."""
        is_new, self.text = text != self.text, text
        if self._is_terminal:
            line, elapsed = f"   {text}", f" ({self._clock() - self._start:.0f} s)"
            # A full line would wrap, and `\r` return to its second row.
            width = shutil.get_terminal_size().columns - 1 - len(elapsed)
            sys.stdout.write(_REDRAW + (line if len(line) <= width else f"{line[: width - 1]}…") + elapsed)
            sys.stdout.flush()
        elif is_new:
            say(f"   {text}")
