"""Waiting on a condition, never on time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    what: str, look: Callable[[], T | None], seconds: float = 180, *, said: Callable[[], object] | None = None
) -> T:
    """What `look` gives as soon as it is something; asks again until then.

    Args:
        what: is waited for, in words.
        look: is asked; what it raises is raised.
        seconds: it may take.
        said: shows how things are when the time is out.

    Raises:
        AssertionError: the time is out; with what was waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}" + (f": {said()}" if said else ""))
        time.sleep(0.3)
