"""Named steps of a long test."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def step(name: str) -> Generator[None]:
    """Prints the step with its seconds, and names it in an error."""
    start = time.monotonic()
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the step: {name}")
        raise
    finally:
        print(f"== {name}: {time.monotonic() - start:.1f} s")
