"""The severity of a rule in a stack, and the annotation that ignores a rule for one object."""

from __future__ import annotations

import pytest

from flink_k8s.checks.load import severity_of
from flink_k8s.checks.rules import RULES
from flink_k8s.config.findings import Severity
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import ProblemsError
from tests.unit.project import JOB, Project

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: data, annotations: {flink-k8s/ignore: "plaintext-secret: a sample"}}
data: {password: hunter2}
"""


def annotated(text: str) -> str:
    return JOB.replace("  name: word-count\n", f"  name: word-count\n  annotations:\n    flink-k8s/ignore: {text}\n")


def rules_of(project: Project) -> set[str]:
    return {remark.problem.rule for remark in project.load().remarks}


def test_a_finding_is_printed_with_the_id_of_its_rule(project: Project):
    project.job(JOB.replace("pyflink:dev", "pyflink:latest"))
    [remark] = [remark for remark in project.load().remarks if remark.problem.rule == "mutable-tag"]
    assert str(remark).startswith("warning: jobs/word_count.yaml:6: spec.image: ")
    assert str(remark).endswith(" [mutable-tag]")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("strict", [False, True])
def test_strict_makes_errors_of_all_warnings(rule: str, strict: bool):
    settings = StackSettings.model_validate({"context": "c", "strict": strict})
    own = RULES[rule].severity
    expected = Severity.ERROR if strict and own is Severity.WARNING else own
    assert severity_of(rule, settings) is expected


@pytest.mark.parametrize("severity", ["error", "warning", "notice", "disabled"])
@pytest.mark.parametrize("strict", [False, True])
def test_checks_sets_the_severity_of_a_rule_and_wins_over_strict(project: Project, severity: str, strict: bool):
    stack = {"context": "c", "strict": strict, "checks": {"image-digest": severity, "upgrade-mode": "notice"}}
    assert severity_of("image-digest", StackSettings.model_validate(stack)) is Severity(severity)
    project.stack({"strict": strict, "checks": {"image-digest": severity, "restricted-profile": "disabled"}})
    if severity == "error":
        assert "image-digest" in project.broken_rules()
    else:
        assert ("image-digest" in rules_of(project)) == (severity != "disabled")


def test_a_severity_of_an_unknown_or_a_fixed_rule_is_an_error(project: Project):
    project.stack({"checks": {"mutable-tags": "error", "unknown-field": "warning", "image-digest": "of"}})
    with pytest.raises(ProblemsError) as raised:
        project.load()
    assert {problem.path for problem in raised.value.problems} == {
        "checks.mutable-tags",
        "checks.unknown-field",
        "checks.image-digest",
    }
    assert 'did you mean "mutable-tag"?' in str(raised.value)


def test_an_annotation_ignores_a_rule_for_its_object(project: Project):
    assert "image-digest" in rules_of(project)
    project.job(annotated('"image-digest: built on this laptop"'))
    assert "image-digest" not in rules_of(project)


def test_annotation_ignores_a_rule_only_for_its_object(project: Project):
    project.job(annotated('"image-digest: built on this laptop"') + "---\n" + JOB.replace("word-count", "other"))
    [remark] = [remark for remark in project.load().remarks if remark.problem.rule == "image-digest"]
    assert remark.problem.line > 18


def test_annotation_of_another_object_ignores_its_rule(project: Project):
    project.job(CONFIG_MAP.replace("plaintext-secret", "image-digest"), "data.yaml")
    assert {"plaintext-secret", "unused-ignore"} <= rules_of(project)
    project.job(CONFIG_MAP, "data.yaml")
    assert not {"plaintext-secret", "unused-ignore"} & rules_of(project)


def test_an_annotation_has_one_rule_a_line(project: Project):
    text = annotated('"mutable-tag: built here\\nunknown-option: read by us: a library"')
    text = text.replace("pyflink:dev", "pyflink:latest") + "  flinkConfiguration: {taskmanger.numberOfTaskSlots: '1'}\n"
    project.job(text)
    assert not {"mutable-tag", "unknown-option", "unused-ignore"} & rules_of(project)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"image-digest"', "has no reason"),
        ('"image-digest: "', "has no reason"),
        ('"image-digests: x"', 'did you mean "image-digest"?'),
        ('"operator-validation: x"', "cannot be ignored"),
    ],
)
def test_an_annotation_needs_a_known_rule_that_can_be_ignored_and_a_reason(project: Project, text: str, message: str):
    project.job(annotated(text))
    assert project.broken_rules() == {"ignore-annotation"}
    [problem] = project.problems()
    assert problem.startswith("jobs/word_count.yaml:6: metadata.annotations.flink-k8s/ignore: ")
    assert message in problem


def test_a_strict_stack_accepts_an_ignored_warning_and_a_rule_set_to_error_cannot_be_ignored(project: Project):
    project.job(annotated('"image-digest: built on this laptop"'))
    project.stack({"strict": True})
    assert "image-digest" not in rules_of(project)
    project.stack({"checks": {"image-digest": "error"}})
    assert project.broken_rules() == {"ignore-annotation", "image-digest"}
