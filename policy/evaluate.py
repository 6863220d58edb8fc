"""The evaluation of a resource by the policy pack: the rules of `flink_k8s/checks`, in the engine's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from flink_k8s.checks.ignore import ignored_rules
from flink_k8s.checks.load import severity_of
from flink_k8s.checks.registry import check_object
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.stack import plaintext_secrets
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Finding, Severity
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import dotted
from flink_k8s.config.stack_file import engine_config
from flink_k8s.config.validation import read_settings
from flink_k8s.facts.mappings import mapping

Level = Literal["mandatory", "advisory", "disabled"]

POLICIES: dict[str, str] = {rule.id: rule.description for rule in RULES.values() if rule.is_of_one_object}
"""Id and description of each rule that needs only one object; `make check` evaluates the other rules too."""

_RELEASE = "kubernetes:helm.sh/v3:Release"


_LEVELS: Mapping[Severity, Level] = {
    Severity.ERROR: "mandatory",
    Severity.WARNING: "advisory",
    Severity.NOTICE: "advisory",
    Severity.DISABLED: "disabled",
}


def settings_of(config: Mapping[str, str]) -> StackSettings:
    """The settings of a stack; defaults if the program itself would refuse them.

    Args:
        config: `project:key` to text, as the engine passes it.
    """
    settings, _ = read_settings(engine_config(config, "stack"))
    return settings or StackSettings.model_validate({"context": "unknown", "strict": True})


@dataclass
class Evaluator:
    """Evaluates each resource of a stack once.

    Attributes:
        settings: of the stack.
        findings_by_urn: the findings of evaluated resources.
    """

    settings: StackSettings
    findings_by_urn: dict[str, list[Finding]] = field(default_factory=dict[str, list[Finding]])

    def level(self, rule: str) -> Level:
        """The enforcement level of the rule in this stack."""
        return _LEVELS[severity_of(rule, self.settings)]

    def lines(self, rule: str, urn: str, resource_type: str, inputs: Mapping[str, object]) -> list[str]:
        """The findings of a rule in a resource: `path: problem; remedy`.

        Args:
            rule: a key of POLICIES.
            urn: of the resource.
            resource_type: type token of the resource.
            inputs: of the resource; any kind of mapping.
        """
        if urn not in self.findings_by_urn:
            self.findings_by_urn[urn] = self.findings(resource_type, plain(inputs))
        return [
            f"{dotted(finding.path)}: {finding.message}"
            for finding in self.findings_by_urn[urn]
            if finding.rule == rule
        ]

    def findings(self, resource_type: str, inputs: Mapping[str, object]) -> list[Finding]:
        """All findings in a resource; none if it is not a Kubernetes object."""
        if resource_type == _RELEASE:
            return [
                Finding("plaintext-secret", path, message)
                for path, message in plaintext_secrets(inputs.get("values"), ("values",))
            ]
        if not resource_type.startswith("kubernetes:") or "kind" not in inputs:
            return []
        operator = self.settings.operator
        findings = check_object(
            Subject(inputs, operator.version, operator.configuration, is_in_file=False, settings=self.settings)
        )
        ignored = ignored_rules(mapping(inputs.get("metadata")), self.settings)
        return [finding for finding in findings if finding.rule not in ignored]


def plain(inputs: Mapping[str, object]) -> dict[str, object]:
    """Convert the policy SDK's views to ordinary dictionaries and lists.

    If a value is not known yet, the SDK raises an error, and then reports that the policy cannot be evaluated.
    """
    return cast("dict[str, object]", _plain(inputs))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {key: _plain(fields[key]) for key in fields}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = cast("Sequence[object]", value)
        return [_plain(items[index]) for index in range(len(items))]
    # The engine's messages have only one number type: 2 arrives as 2.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value
