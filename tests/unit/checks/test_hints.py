"""Hints about fields at the wrong place, and values of the operator's chart."""

# ruff: noqa: E501 - a hint a line reads best

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.config.problems import ProblemsError
from tests.unit.project import JOB, Project


@pytest.mark.parametrize(
    ("place", "key", "hint"),
    [
        ("spec", "nodeSelector", "write podTemplate.spec.nodeSelector"),
        ("spec", "tolerations", "write podTemplate.spec.tolerations"),
        ("spec", "volumes", "write podTemplate.spec.volumes"),
        ("spec", "imagePullSecrets", "write podTemplate.spec.imagePullSecrets, or namespaces.<name>.imagePullSecrets"),
        ("spec", "env", "write env of the container flink-main-container in podTemplate.spec.containers, or"),
        ("spec", "resources", "write jobManager.resources and taskManager.resources"),
        ("spec", "replicas", "write jobManager.replicas and taskManager.replicas"),
        ("spec", "parallelism", "write job.parallelism"),
        ("taskManager", "env", "write env of the container flink-main-container in taskManager.podTemplate"),
        ("taskManager", "memory", "write taskManager.resource.memory"),
        ("job", "paralelism", 'did you mean "parallelism"?'),
    ],
)  # fmt: skip
def test_hint_points_to_the_place_of_the_field(project: Project, place: str, key: str, hint: str) -> None:
    """Case bugs-24."""
    manifest: Any = yaml.safe_load(JOB)
    holder = manifest["spec"] if place == "spec" else manifest["spec"][place]
    holder[key] = {}
    project.job(yaml.safe_dump(manifest))
    assert [problem for problem in project.problems() if f"{key}: unknown field; {hint}" in problem]


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        ({"jobs": {"word-count": {"nodeSelector": {}}}}, "jobs.word-count.nodeSelector: unknown field; write spec.podTemplate.spec.nodeSelector"),
        ({"jobDefaults": {"labels": {}}}, "jobDefaults.labels: unknown field; write spec.podTemplate.metadata.labels"),
        ({"enforced": {"taskManager": {"tolerations": []}}}, "taskManager.tolerations: unknown field; write spec.taskManager.podTemplate.spec.tolerations"),
        ({"jobDefaults": {"taskManager": {"slots": 2}}}, "slots: unknown field; write taskmanager.numberOfTaskSlots in flinkConfiguration"),
        ({"jobDefaults": {"resources": {}}}, "jobDefaults.resources: unknown field; write jobManager: {memory, cpu} and taskManager: {memory, cpu}"),
        ({"enforced": {"jobManager": {"memory": 2048}}}, 'is 2048 bytes, with which Flink does not start (jobmanager.memory.process.size is too small for metaspace and overhead); write a unit, such as "2048m"'),
        ({"jobDefaults": {"secretEnv": {"A": "kafka/a"}}}, 'secretEnv.A: is "kafka/a", which is not a valid value; write a mapping with secret and key'),
        ({"stateStorage": {"type": "volume", "size": "1Gi"}}, "stateStorage.size: unknown field; write stateStorage.volume.size"),
    ],
)  # fmt: skip
def test_hint_in_a_stack_file_points_to_the_place_of_the_field(
    project: Project, config: dict[str, object], hint: str
) -> None:
    project.stack(config)
    [problem] = project.problems()
    assert hint in problem


def test_misspelt_image_in_images_is_a_warning(project: Project) -> None:
    project.stack({"images": {"pyflink:dve": "registry.example.org/pyflink:1"}})
    assert (
        'warning: Pulumi.x.yaml:4: images.pyflink:dve: is not the image of a job; did you mean "pyflink:dev"?'
        in project.remarks()
    )
    project.stack({"images": {"pyflink:dev": "registry.example.org/pyflink:1", "flink:2.2": "x:1"}})
    assert not [remark for remark in project.remarks() if "is not the image of a job" in remark]


ELECTION = "kubernetes.operator.leader-election.enabled"
LEASE = "kubernetes.operator.leader-election.lease-name"


def findings(project: Project, operator: dict[str, Any]) -> list[tuple[str, str]]:
    """Rules and paths of the findings about the operator."""
    project.stack({"operator": operator})
    try:
        problems = [remark.problem for remark in project.load().remarks]
    except ProblemsError as error:
        problems = list(error.problems)
    return [(problem.rule, problem.path) for problem in problems if problem.path.startswith("operator.")]


@pytest.mark.parametrize(
    ("operator", "rule", "path"),
    [
        ({"values": {"replicas": 2}}, "operator-validation", "operator.values.replicas"),
        ({"values": {"metrics": {"port": "x"}}}, "stack-config", "operator.values.metrics.port"),
        ({"configuration": {ELECTION: True}}, "operator-validation", f'operator.configuration["{ELECTION}"]'),
        ({"values": {"watchNamespaces": []}}, "unused-setting", "operator.values.watchNamespaces"),
        ({"values": {"replica": 2}}, "unused-setting", "operator.values.replica"),
        ({"values": {"watchNamespace": "a"}}, "unused-setting", "operator.values.watchNamespace"),
        ({"values": {"operatorPod": {"resource": {}}}}, "unused-setting", "operator.values.operatorPod.resource"),
        ({"values": {"defaultConfiguration": {"append": False}}}, "unused-setting",
         "operator.values.defaultConfiguration.append"),
    ],
)  # fmt: skip
def test_operator_values(project: Project, operator: dict[str, Any], rule: str, path: str) -> None:
    """Case charts-08."""
    assert findings(project, operator) == [(rule, path)]


@pytest.mark.parametrize(
    "values",
    [
        {"operatorPod": {"resources": {"limits": {"cpu": 1}}}, "podSecurityContext": {"runAsUser": 1}},
        {"image": {"repository": "mirror.example.org/operator"}, "strategy": {"type": "Recreate"}, "postStart": {}},
    ],
)
def test_values_of_the_operators_chart_are_accepted(project: Project, values: dict[str, Any]) -> None:
    assert findings(project, {"values": values}) == []


def test_selector_that_excludes_the_monitors_of_the_platform_is_found(project: Project) -> None:
    """Case bugs-28."""
    values = {"prometheus": {"prometheusSpec": {"podMonitorSelector": {"matchLabels": {"team": "x"}}}}}
    project.stack({"prometheus": {"values": values}})
    [line] = [line for line in project.remarks() if "podMonitorSelector" in line]
    assert "selects team: x, which the platform's monitors lack; set prometheus.labels" in line
    project.stack({"prometheus": {"values": values, "labels": {"team": "x"}}})
    assert not [line for line in project.remarks() if "podMonitorSelector" in line]


def test_two_operators_with_a_lease_are_accepted(project: Project) -> None:
    configuration = {ELECTION: "true", LEASE: "flink-operator"}
    assert findings(project, {"values": {"replicas": 2}, "configuration": configuration}) == []
