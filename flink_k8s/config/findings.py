"""Findings of rules: what a rule reports, and how severe it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from flink_k8s.config.problems import KeyPath, Problem


class Severity(Enum):
    """How severe a finding is."""

    ERROR = "error"
    """Always stops the stack."""
    WARNING = "warning"
    """Is printed; stops a stack that is `strict`."""
    NOTICE = "notice"
    """Is printed."""
    DISABLED = "disabled"
    """Is not reported."""


class Source(Protocol):
    """A part of the user's files that can be the subject of a problem: an object, a job or the stack config."""

    def problem(self, path: KeyPath, message: str, rule: str = ...) -> Problem:
        """The problem at that path, with file and line."""
        ...


@dataclass(frozen=True)
class Finding:
    """One finding of a rule.

    Attributes:
        rule: id of the rule, a key of `checks.rules.RULES`.
        path: place in the source.
        message: `problem; remedy`.
        source: the object or config that the path is about; None: the one that the check was given.
    """

    rule: str
    path: KeyPath
    message: str
    source: Source | None = None


Report = Callable[[str, KeyPath, str], None]
"""Receives rule, path and message of a finding."""


@dataclass(frozen=True)
class Remark:
    """A finding that does not stop the stack.

    Attributes:
        severity: warning or notice.
        problem: what was found.
    """

    severity: Severity
    problem: Problem

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.problem}"
