"""Findings about outputs of a user's program, whose values are not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.findings import Finding, Source
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.outputs import has_placeholder, misplaced
from flink_k8s.config.problems import STACK_CONFIG, KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.resolve.job_spec import configuration_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sql import rendered

_BY_NAME: Final = ("plaintext-secret",)
"""Rules that do not depend on the value."""


_OF_CONNECTIONS: Final = ("port", "endpoint", "url")
"""Ends of names of Flink's options that addresses and NetworkPolicies are calculated from."""


def check(stack: StackSubject) -> None:
    """Report outputs that other values are calculated from: the name of a script, and connections of pods."""
    if not stack.config.is_of_program:
        return
    for job in stack.jobs:
        if job.source.sql is not None and has_placeholder(rendered(job.source.sql, job.settings)):
            message = "uses an output in a variable, and a new value would not restart the job; write a plain value"
            stack.report(STACK_CONFIG, ("parameters",), message, job.source)
        for key, value in (configuration_of(job.spec) or {}).items():
            if has_placeholder(value) and key.endswith(_OF_CONNECTIONS):
                path = (*job.kind.spec_path, "flinkConfiguration", key)
                stack.report(STACK_CONFIG, path, misplaced("", "", "").message, job)


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
