"""What a long run shows: one line for each thing that happens, with the time since the start."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import TextIO


class Progress:
    """Lines on stdout, from any thread. What something waits for is repeated only when it changes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._last: dict[str, tuple[str, ...]] = {}

    def line(self, title: str, text: str) -> None:
        """`   1.2 s  title: text`."""
        seconds = time.monotonic() - self._start
        with self._lock:
            print(f"{seconds:6.1f} s  {title}: {text}", file=self._stream, flush=True)

    def waiting(self, title: str, reasons: Iterable[str]) -> None:
        """Say why something waits, once for each new set of reasons."""
        now = tuple(reasons)
        with self._lock:
            known = self._last.get(title)
            self._last[title] = now
        if known == now:
            return
        for reason in now:
            self.line(title, f"waits: {reason}")
