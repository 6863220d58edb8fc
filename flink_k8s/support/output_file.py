"""What a command writes where its user says."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flink_k8s.support.errors import CommandError


def write(file: Path, text: str) -> None:
    """Writes a file.

    Args:
        file: in a folder that is made when it does not exist.
        text: of the file.

    Raises:
        CommandError: when the system refuses.
    """
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@contextmanager
def writing(place: Path) -> Generator[None]:
    """While something is written there, the system's refusal is a failure of the command.

    Raises:
        CommandError: with the system's words.
    """
    try:
        yield
    except OSError as error:
        at = "" if error.filename in (None, str(place)) else f"{error.filename}: "
        raise CommandError(f"{place} cannot be written: {at}{error.strerror}; name another place") from None
