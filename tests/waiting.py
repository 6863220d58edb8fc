"""Waiting on a condition, never on time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    title: str, check: Callable[[], T | None], seconds: float = 180, *, state: Callable[[], object] | None = None
) -> T:
    """Call `check` repeatedly until its result is true, and return the result.

    Args:
        title: of the condition, for the error.
        check: the condition; its errors are not caught.
        seconds: maximum time.
        state: describes the state, for the error.

    Raises:
        AssertionError: after the maximum time; contains title and state.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {title}" + (f": {state()}" if state else ""))
        time.sleep(0.3)
