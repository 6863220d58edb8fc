"""Reads a SQL job file: a script for Flink SQL, with settings in a comment at its beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

from typing_extensions import override

from flink_k8s.config.model import JobSettings
from flink_k8s.config.problems import JOB_FILE, KeyPath, Problem, dotted
from flink_k8s.config.sql_text import Kind, place, tokens
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.config.validation import read_settings
from flink_k8s.config.yaml_file import Document, parse, read_text

SUFFIX: Final = ".sql"

_HEADER: Final = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*(?!\s*flink-k8s\b).*?\*/)*/\*\s*flink-k8s\b([^\n]*)(.*?)\*/", re.DOTALL
)
"""The header, which can follow other comments."""

_LIKE_HEADER: Final = re.compile(r"(?:--|/\*)\s*flink-k8s\b")


def is_header(comment: str) -> bool:
    """Whether a comment of a script contains the settings."""
    return _HEADER.match(comment) is not None


class HeaderConfig(StackConfig):
    """The settings of a header as config, as if they were in `jobs` of a stack; problems name the line of the file."""

    @override
    def problem(self, path: KeyPath, message: str, rule: str = JOB_FILE) -> Problem:
        """A problem at the path of the config."""
        line = self.document.line(("config", *path)) if self.document is not None else 0
        return Problem(self.file, line, dotted(path[2:]), message, rule)


@dataclass(frozen=True)
class SqlFile:
    """A SQL job file.

    Attributes:
        file: as problems name it.
        name: of the job.
        script: the text of the file, with its header.
        settings: those of the header.
        header_line: line of the header; 1 without one.
        config: the header as config: `jobs.<name>` contains the settings.
        has_problems: whether settings of the header are refused, or the file is empty, so that values can be missing.
    """

    file: str
    name: str
    script: str = field(repr=False)
    settings: JobSettings
    header_line: int
    config: HeaderConfig = field(repr=False)
    has_problems: bool = False

    @property
    def settings_path(self) -> KeyPath:
        """The path of the settings in the config."""
        return ("jobs", self.name)

    @property
    def session_cluster(self) -> object:
        """Name of the session cluster that runs the script; None if it has a cluster of its own."""
        return (self.settings.spec or {}).get("deploymentName")

    def at(self, offset: int) -> Position:
        """The position of a character of the script."""
        return Position(self.file, *place(self.script, offset))


@dataclass(frozen=True)
class Position:
    """A position in a file; the source of a finding.

    Attributes:
        file: as problems name it.
        line: from 1.
        column: from 1.
    """

    file: str
    line: int
    column: int

    def problem(self, path: KeyPath, message: str, rule: str = JOB_FILE) -> Problem:
        """The problem at the position."""
        return Problem(self.file, self.line, dotted(path), message, rule, self.column)


def read(path: Path, shown: str) -> tuple[SqlFile | None, list[Problem]]:
    """The SQL file, and the problems of its header; None if the file or its header cannot be read.

    Args:
        path: the file.
        shown: name of the file in problems.
    """
    text, problems = read_text(path, shown, JOB_FILE)
    if text is None:
        return None, problems
    return parse_script(text, path.stem.lower().replace("_", "-"), shown)


def parse_script(text: str, name: str, shown: str) -> tuple[SqlFile | None, list[Problem]]:
    """`read` for a text.

    Args:
        text: of the file.
        name: of the job.
        shown: name of the file in problems.
    """
    header, line, header_problems = _header(text, shown)
    if header_problems:
        return None, header_problems
    lines: dict[KeyPath, int] = {("config",): line, ("config", "jobs"): line, ("config", "jobs", name): line}
    document = Document(
        shown,
        None,
        lines | {("config", "jobs", name, *key): number for key, number in header.lines.items()},
        {("config", "jobs", name, *key): written for key, written in header.written.items()},
    )
    config = HeaderConfig(shown, {"context": "none", "jobs": {name: header.value}}, document)
    stack, setting_problems = read_settings(config)
    settings = stack.jobs.get(name) if stack is not None else None
    own = settings or JobSettings.model_validate({})
    is_empty = all(token.kind is Kind.COMMENT and not is_header(token.text) for token in tokens(text))
    return SqlFile(shown, name, text, own, line, config, is_empty or bool(setting_problems)), setting_problems


def _misplaced(text: str, shown: str) -> list[Problem]:
    """Problems of comments that look like a header, and are none."""
    for token in tokens(text):
        if token.kind is Kind.COMMENT and _LIKE_HEADER.match(token.text):
            message = "contains settings that are not read; write them as /* flink-k8s … */ before the first statement"
            return [Problem(shown, place(text, token.offset)[0], "", message, JOB_FILE)]
    return []


def _header(text: str, shown: str) -> tuple[Document, int, list[Problem]]:
    """The YAML of the header with the lines of the file, and the line of the header."""
    empty = Document(shown, {}, {})
    match = _HEADER.match(text)
    if match is None:
        return empty, 1, _misplaced(text, shown)
    line = place(text, match.start(1))[0]
    if match.group(1).strip():
        message = "has text after flink-k8s; write the settings as YAML in the lines below"
        return empty, line, [Problem(shown, line, "", message, JOB_FILE)]
    documents, problems = parse("\n" * (line - 1) + match.group(2), shown)
    if not documents:
        return empty, line, problems
    value = documents[0].value
    if len(documents) > 1 or not isinstance(value, dict):
        problems.append(
            Problem(shown, line, "", "is not a mapping; write one setting per line: `parallelism: 2`", JOB_FILE)
        )
        return empty, line, problems
    return replace(documents[0], value=cast(dict[str, object], value)), line, problems
