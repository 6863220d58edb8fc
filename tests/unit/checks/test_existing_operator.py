"""Settings and jobs compared with an operator that exists in the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.findings import Severity
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.existing_operator import ExistingOperator
from tests.unit.project import SESSION, Project

DEFAULT = "1.16.1"


def existing(**fields: Any) -> ExistingOperator:
    """An operator 1.16.1 that watches all namespaces."""
    defaults = {"namespace": "flink-operator", "version": DEFAULT, "watched": frozenset()}
    return ExistingOperator(**{**defaults, "has_webhook": True, "configuration": {}, **fields})


class Stack:
    """A stack with one job in the namespace `flink`, on an operator of the cluster."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.asked: list[StackSettings] = []

    def load(self, operator: ExistingOperator | None, **settings: object) -> DeclaredStack:
        self.project.stack({"operator": {"enabled": False, **settings}})

        def read(stack: StackSettings) -> ExistingOperator | None:
            self.asked.append(stack)
            return operator

        return load(self.project.root, read_config(self.project.root, "x"), read)

    def findings(self, operator: ExistingOperator | None, **settings: object) -> list[str]:
        """The findings about the operator, as `severity: rule: path: message`."""
        try:
            remarks = self.load(operator, **settings).remarks
        except ProblemsError as error:
            return [f"error: {problem.rule}: {problem.path}: {problem.message}" for problem in error.problems]
        return [
            f"{remark.severity.value}: {problem.rule}: {problem.path}: {problem.message}"
            for remark in remarks
            if "operator" in (problem := remark.problem).rule
        ]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def test_a_version_that_is_not_set_is_read_from_the_cluster(stack: Stack) -> None:
    declared = stack.load(existing(version="1.13.0"))
    assert declared.settings.operator.version == "1.13.0"
    assert stack.findings(existing(version="1.13.0")) == []


def test_jobs_are_checked_for_the_version_of_the_cluster(stack: Stack) -> None:
    [error] = stack.findings(existing(version="1.10.0"))
    assert error.startswith("error: operator-validation: spec.flinkVersion: is v2_2, which operator 1.10.0")


def test_another_version_than_the_declared_one_is_a_warning(stack: Stack) -> None:
    assert stack.findings(existing(version="1.13.0"), version="1.15.0") == [
        "warning: existing-operator: operator.version: is 1.15.0, but the cluster runs operator 1.13.0; "
        "set it to that version"
    ]
    assert stack.load(existing(version="1.13.0"), version="1.15.0").settings.operator.version == "1.15.0"


@pytest.mark.parametrize("operator", [None, existing(version=None)])
def test_an_assumed_version_is_a_notice(stack: Stack, operator: ExistingOperator | None) -> None:
    assert stack.findings(operator) == [
        f"notice: assumed-operator: operator.version: is not set, and the jobs are checked for {DEFAULT}; "
        "set it to the version in the cluster, which a preview and `up` read"
    ]
    assert stack.findings(operator, version=DEFAULT) == []


def test_check_without_a_cluster_reports_the_assumed_version(stack: Stack) -> None:
    stack.load(None)
    remarks = load(stack.project.root, read_config(stack.project.root, "x")).remarks
    assert (Severity.NOTICE, "assumed-operator") in {(remark.severity, remark.problem.rule) for remark in remarks}


def test_an_operator_of_the_stack_is_not_read(stack: Stack) -> None:
    assert stack.findings(existing(version="1.10.0"), enabled=True) == []
    assert stack.asked == []


def test_a_job_in_a_namespace_that_is_not_watched_is_an_error(stack: Stack) -> None:
    assert stack.findings(existing(watched=frozenset({"team-b", "team-a"}))) == [
        'error: unwatched-namespace: metadata.namespace: "flink" is not watched by the operator in flink-operator, '
        "which watches team-a, team-b; add it to watchNamespaces of the operator's chart"
    ]
    assert stack.findings(existing(watched=frozenset({"flink"}))) == []


def test_a_missing_webhook_is_a_warning_unless_it_is_declared(stack: Stack) -> None:
    [warning] = stack.findings(existing(has_webhook=False))
    assert warning.startswith("warning: existing-operator: operator.webhook: is true, but the operator in the cluster")
    assert stack.findings(existing(has_webhook=False), webhook=False) == []


def test_declared_configuration_is_compared_with_that_of_the_cluster(stack: Stack) -> None:
    declared = {"a": "1", "b": "2", "c": "3"}
    operator = existing(configuration={"a": "1", "b": "secret"})
    assert stack.findings(operator, configuration=declared) == [
        "warning: existing-operator: operator.configuration.b: differs from the configuration of the operator in the "
        "cluster; set it in the ConfigMap flink-operator/flink-operator-config, or remove it",
        "warning: existing-operator: operator.configuration.c: is not in the configuration of the operator in the "
        "cluster; set it in the ConfigMap flink-operator/flink-operator-config, or remove it",
    ]
    assert stack.findings(existing(configuration=None), configuration=declared) == []


SCHEMES = "kubernetes.operator.user.artifacts.allowed-schemes"


def test_jobs_are_checked_against_the_configuration_of_the_cluster(stack: Stack) -> None:
    stack.project.job(SESSION)
    [error] = stack.findings(existing(configuration={SCHEMES: "s3"}))
    assert 'operator-validation: spec.job.jarURI: "https://jars.example.org/a.jar" has the scheme https' in error


def test_the_configuration_of_the_cluster_does_not_change_what_is_deployed(stack: Stack) -> None:
    configuration = {"state.checkpoints.dir": "s3://operator/checkpoints", "metrics.reporter.prom.port": "9999"}
    with_it, without_it = stack.load(existing(configuration=configuration)), stack.load(existing())
    assert [job.manifest for job in with_it.jobs] == [job.manifest for job in without_it.jobs]
    assert with_it.settings == without_it.settings
    assert with_it.operator.configuration == configuration


def test_stacks_on_a_platform_read_its_existing_operator(stack: Stack) -> None:
    root = stack.project.root

    def read_count(**operator: object) -> int:
        platform = {"context": "c", "namespaces": {"flink": {}}, "jobFolders": [], "operator": operator}
        for name, config in (("platform", platform), ("team", {"platform": "platform"})):
            content = {"config": {f"flink-k8s:{key}": value for key, value in config.items()}}
            (root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(content))
        asked: list[StackSettings] = []
        load(root, read_config(root, "team"), asked.append)
        return len(asked)

    assert read_count(enabled=False) == 1
    assert read_count(version="1.16.1") == 0
