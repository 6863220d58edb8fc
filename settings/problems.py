"""What is wrong with a user's files, said so that it can be mended: file, path, problem, cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value stands in a document: mapping keys and list indices from the root."""


def dotted(path: KeyPath) -> str:
    """The path as people write it: `spec.job.args[2]`; a key with a dot in it is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part:
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True, order=True)
class Problem:
    """One finding. Sorted by file, line, path.

    Attributes:
        file: the file's path as the user knows it, relative to the project.
        line: 1-based; 0 where the finding has no line of its own.
        path: dotted path in the document, empty for the document as a whole.
        message: `what is wrong; what would be right`.
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class ProblemsError(Exception):
    """All problems that one reading found; nothing has been registered or touched when it is raised.

    Attributes:
        problems: each once, sorted.
        remarks: the warnings and notices of the same reading, a line each.
    """

    def __init__(self, problems: Iterable[Problem], remarks: Iterable[str] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        self.remarks: tuple[str, ...] = tuple(remarks)
        super().__init__("\n".join([*map(str, self.problems), *self.remarks]))


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean "parallelism"?`, or what is allowed when nothing is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return "known here: " + ", ".join(sorted(known)) if known else "nothing is allowed here"
