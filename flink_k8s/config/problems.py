"""Problems in a user's files: file, line, path, problem, remedy, and the id of the rule."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from typing_extensions import override

from flink_k8s.config.secret_text import redacted
from flink_k8s.support.errors import CommandError

KeyPath = tuple[str | int, ...]
"""The path of a value in a document: mapping keys and list indices from the root."""

YAML, STACK_CONFIG, JOB_FILE = "yaml", "stack-config", "job-file"
"""Ids of the problems that readers report: invalid YAML, a value in a stack file, an object in a job file."""


LINE_LIMIT = 2_000
"""Maximum length of the line of a problem, a remark or an explanation, in bytes."""

_PATH_LIMIT, _NAME_LIMIT = 600, 300


def printable(text: str) -> str:
    """The text on one line: every control character and every other invisible character is escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def shortened(text: str, limit: int = LINE_LIMIT) -> str:
    """The text with at most `limit` bytes of UTF-8: the middle of a longer text is omitted."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return text
    half = (limit - len(" … ".encode())) // 2
    return f"{data[:half].decode(errors='ignore')} … {data[-half:].decode(errors='ignore')}"


def code_span(text: str) -> str:
    """The text as code in Markdown: no backtick in it ends the code, and no line break starts a block."""
    text = printable(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def dotted(path: KeyPath) -> str:
    """The path as text: `spec.job.args[2]`; a key with a dot is quoted, control characters are escaped."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        key = shortened(printable(part), _NAME_LIMIT)
        if "." in part:
            text += f'["{key}"]'
        else:
            text += f".{key}" if text else key
    return shortened(text, _PATH_LIMIT)


@dataclass(frozen=True, order=True)
class Problem:
    """One problem. Problems are sorted by file, line and path.

    Attributes:
        file: path of the file, relative to the project.
        line: 1-based; 0 if the problem has no line.
        path: dotted path in the document, empty for the document as a whole.
        message: `problem; remedy`.
        rule: id of the rule, a key of `checks.rules.RULES` or one of the readers' ids; docs/checks.md lists them.
        column: 1-based; 0 if the problem has no column.
    """

    file: str
    line: int
    path: str
    message: str
    rule: str = ""
    column: int = 0

    def __str__(self) -> str:
        file = shortened(printable(self.file), _NAME_LIMIT)
        where = f"{file}:{self.line}" if self.line else file
        if self.column:
            where += f":{self.column}"
        if self.path:
            where += f": {shortened(printable(self.path), _PATH_LIMIT)}"
        rule = f" [{self.rule}]" if self.rule else ""
        space = LINE_LIMIT - len(where.encode(errors="replace")) - len(rule) - len("warning: : ")
        return f"{where}: {shortened(printable(redacted(self.message)), space)}{rule}"


class ProblemsError(CommandError):
    """All problems of a stack; it is raised before anything is registered or changed.

    Attributes:
        problems: sorted, without duplicates.
        remarks: the warnings and notices of the stack, one line each.
    """

    def __init__(self, problems: Iterable[Problem], remarks: Iterable[str] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        self.remarks: tuple[str, ...] = tuple(remarks)
        super().__init__("\n".join([*map(str, self.problems), *self.remarks]))

    @override
    def report(self, stack: str = "") -> str:
        """A line for each problem and each remark, and the number of problems, of that stack."""
        count = len(self.problems)
        summary = f"{count} problem{'s' if count != 1 else ''}; nothing was touched"
        return "\n".join([*filter(None, [str(self)]), f"{stack}: {summary}" if stack else summary])


def similar(word: str, known: Sequence[str]) -> str | None:
    """The known name that differs in case only, or the most similar known name; None if no name is similar."""
    word = shortened(word, 100)
    same = [name for name in known if name.lower() == word.lower()]
    return next(iter(same or difflib.get_close_matches(word, known, n=1, cutoff=0.6)), None)


def nearest(word: str, known: Sequence[str]) -> str:
    """The remedy for an unknown name: `did you mean "parallelism"?`, or all known names if none is similar."""
    match = similar(word, known)
    if match is not None:
        return f'did you mean "{match}"?'
    return f"use one of: {', '.join(sorted(known))}" if known else "remove it"
