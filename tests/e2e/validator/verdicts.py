"""The two verdicts on a case: the operator's, and ours.

`python -m tests.e2e.validator.verdicts` records the operator's for the unit tests, which have no Java.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flink_k8s.checks.registry import check_object
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Severity
from tests.e2e.validator import java
from tests.e2e.validator.corpus import BOTH, Case, cases

RECORDED = Path(__file__).parent / "recorded.txt"
"""A line an operator version: the version, then for each case of the corpus in order `R` (refused) or `v` (valid)."""

OURS_ALONE = frozenset(
    {"image-reference", "option-value", "flink-startup", "pod-template", "state-storage", "flink-memory"}
)
"""Rules that are errors and mirror none of the validator's."""


@dataclass(frozen=True)
class Verdict:
    """What both say of one case.

    Attributes:
        case: the case.
        theirs: why the operator refuses it, empty when it takes it.
        ours: what we would print, empty when we take it.
    """

    case: Case
    theirs: str
    ours: str

    @property
    def agree(self) -> bool:
        """Whether both refuse it or both take it."""
        return bool(self.theirs) == bool(self.ours)

    def __str__(self) -> str:
        return f"{self.case.title}\n    operator: {self.theirs or 'valid'}\n    ours:     {self.ours or 'valid'}"


def of(cases: Sequence[Case], operator: str) -> list[Verdict]:
    """Both verdicts on every case, with one JVM for all of them.

    Raises:
        java.MissingError: without Java or the operator's jars.
    """
    jars = java.operator_jars(operator)
    with tempfile.TemporaryDirectory() as folder:
        requests, path = Path(folder) / "asked", Path(folder) / "answered"
        with requests.open("w") as file:
            for case in cases:
                line = {"manifest": case.manifest, "related": case.related, "defaults": dict(case.defaults)}
                file.write(json.dumps(line) + "\n")
        java.run("Validate", jars, [str(requests), str(path)])
        lines = path.read_text().split("\n")[:-1]
    assert len(lines) == len(cases)
    return [
        Verdict(case, "" if line == "valid" else line.replace("\t", ": "), ours(case, operator))
        for case, line in zip(cases, lines, strict=True)
    ]


def recorded() -> dict[str, str]:
    """The recorded verdicts by operator version."""
    return dict(line.split() for line in RECORDED.read_text().splitlines())


def letters(verdicts: Sequence[Verdict]) -> str:
    """The operator's verdicts as RECORDED has them."""
    return "".join("R" if entry.theirs else "v" for entry in verdicts)


def ours(case: Case, operator: str) -> str:
    """Our errors, joined; empty when there are none."""
    subject = Subject(case.manifest, operator, case.defaults, case.related)
    actual = check_object(subject, practices=False)
    wrong = [
        finding
        for finding in actual
        if RULES[finding.rule].severity is Severity.ERROR and finding.rule not in OURS_ALONE
    ]
    return " | ".join(f"{'.'.join(map(str, item.path))} {item.message}" for item in wrong)


def main() -> None:
    """Writes RECORDED."""
    lines: list[str] = []
    for operator in BOTH:
        lines.append(f"{operator} {letters(of([case for case in cases() if operator in case.operators], operator))}\n")
    RECORDED.write_text("".join(lines))


if __name__ == "__main__":
    main()
