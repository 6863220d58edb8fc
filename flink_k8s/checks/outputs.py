"""Findings about outputs of a user's program, whose values are not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from flink_k8s.checks.rules import RULES
from flink_k8s.config.findings import Finding, Source
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.outputs import has_placeholder, misplaced
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.resolve.jobs import Job

_BY_NAME: Final = ("plaintext-secret",)
"""Rules that do not depend on the value."""


def without_outputs(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings without those about outputs.

    A rule about a value that the operator or Flink would reject stays: its field requires a plain value.
    """
    for finding in findings:
        if finding.rule in _BY_NAME or not _is_output(finding.source, finding.path):
            yield finding
        elif RULES[finding.rule].is_fixed:
            yield Finding(finding.rule, finding.path, misplaced("", "", "").message, finding.source)


def _is_output(source: Source | None, path: KeyPath) -> bool:
    if isinstance(source, StackConfig):
        value: object = source.values
    elif isinstance(source, Job | FileObject):
        value = source.manifest
    else:
        return False
    for part in path:
        if isinstance(value, Mapping):
            value = cast("Mapping[str | int, object]", value).get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(cast("list[object]", value)):
            value = cast("list[object]", value)[part]
        else:
            return False
    return has_placeholder(value)
