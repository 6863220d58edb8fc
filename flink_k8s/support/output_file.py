"""Files that a command writes to a path of the user."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flink_k8s.support.errors import CommandError


def write(file: Path, text: str) -> None:
    """Write a file.

    Args:
        file: its folder is created if it does not exist.
        text: of the file.

    Raises:
        CommandError: if the file cannot be written.
    """
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Convert errors of the operating system while a path is written.

    Raises:
        CommandError: with the system's error.
    """
    try:
        yield
    except OSError as error:
        location = "" if error.filename in (None, str(path)) else f"{error.filename}: "
        raise CommandError(f"{path} cannot be written: {location}{error.strerror}; choose another path") from None
