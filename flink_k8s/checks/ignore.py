"""The annotation `flink-k8s/ignore` of an object, which ignores rules for that object with a reason.

The annotation contains one `rule: reason` per line. Rules that are always errors cannot be ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.findings import Finding, Severity
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath, nearest
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.jobs import Attachment, Job

IGNORE = "flink-k8s/ignore"
_PATH: KeyPath = ("metadata", "annotations", IGNORE)


@dataclass(frozen=True)
class _Line:
    rule: str
    reason: str


def _lines(metadata: Mapping[str, object]) -> Iterator[_Line]:
    text = mapping(metadata.get("annotations")).get(IGNORE)
    for line in str(text).splitlines() if text is not None else ():
        if line.strip():
            rule, _, reason = line.partition(":")
            yield _Line(rule.strip(), reason.strip())


def is_ignorable(rule: str, settings: StackSettings) -> bool:
    """Whether an annotation can ignore the rule: not if it is always an error, or an error by the stack config."""
    return rule in RULES and not RULES[rule].is_fixed and settings.checks.get(rule) != Severity.ERROR.value


def ignored_rules(metadata: Mapping[str, object], settings: StackSettings) -> set[str]:
    """The rules that the annotation in an object's metadata ignores."""
    return {line.rule for line in _lines(metadata) if line.reason and is_ignorable(line.rule, settings)}


def check(stack: StackSubject) -> None:
    """Check the annotations of all objects in job files."""
    for source in stack.objects:
        for line in _lines(source.metadata):
            if line.rule not in RULES:
                message = f'unknown rule "{line.rule}"; {nearest(line.rule, list(RULES))}'
            elif not is_ignorable(line.rule, stack.settings):
                message = f"the rule {line.rule} is an error and cannot be ignored; remove the line"
            elif not line.reason:
                message = f'has no reason; write "{line.rule}: <reason>"'
            else:
                continue
            stack.report("ignore-annotation", _PATH, message, source)


def without_ignored(
    findings: Iterable[Finding], settings: StackSettings, objects: Collection[FileObject]
) -> list[Finding]:
    """The findings that no annotation ignores, with a notice for each line of an annotation without a finding."""
    ignored = {id(source): ignored_rules(source.metadata, settings) for source in objects}
    used: set[tuple[int, str]] = set()
    kept: list[Finding] = []
    for finding in findings:
        source = _file_object(finding)
        if source is not None and finding.rule in ignored.get(id(source), ()):
            used.add((id(source), finding.rule))
        else:
            kept.append(finding)
    for source in objects:
        for rule in sorted(ignored[id(source)]):
            if (id(source), rule) not in used:
                message = f"the rule {rule} has no finding in this object; remove the line"
                kept.append(Finding("unused-ignore", _PATH, message, source))
    return kept


def _file_object(finding: Finding) -> FileObject | None:
    if isinstance(finding.source, Job | Attachment):
        return finding.source.source
    return finding.source if isinstance(finding.source, FileObject) else None
