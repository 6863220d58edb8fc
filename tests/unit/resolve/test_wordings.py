"""Values of `enforced` and `jobs` hold in every wording that the operator and Flink read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.resolve.pod_requests import pods
from flink_k8s.resolve.pod_templates import templates
from tests.unit.project import JOB, Project

MAIN = "flink-main-container"
PROXY = {"env": {"HTTP_PROXY": "http://proxy:3128"}}


def merged(project: Project, spec: dict[str, Any], config: dict[str, Any], kind: str = "") -> dict[str, Any]:
    manifest = yaml.safe_load(JOB)
    manifest["spec"] |= spec
    if kind:
        manifest |= {"kind": kind, "spec": {"template": {"spec": manifest["spec"]}}}
    project.job(yaml.safe_dump(manifest))
    project.stack(config)
    result = project.spec()
    return dict(result["template"]["spec"]) if kind else result


def environments(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Flink's own variables of both processes."""
    containers = [
        next(container for container in template.pod["containers"] if container["name"] == MAIN)  # pyright: ignore
        for template in templates(spec)
    ]
    return [
        {item["name"]: item.get("value", item.get("valueFrom")) for item in container.get("env", [])}
        for container in containers
    ]


def with_variable(name: str = "HTTP_PROXY", value: str | None = "none") -> dict[str, Any]:
    return {"podTemplate": {"spec": {"containers": [{"name": MAIN, "env": [{"name": name, "value": value}]}]}}}


@pytest.mark.parametrize("process", ["jobManager", "taskManager"])
@pytest.mark.parametrize("source", ["enforced", "jobs"])
@pytest.mark.parametrize("kind", ["", "FlinkBlueGreenDeployment"])
def test_variable_wins_over_the_template_of_a_process(project: Project, process: str, source: str, kind: str) -> None:
    size = {"resource": {"memory": "1g", "cpu": 1}}
    settings = {"word-count": PROXY} if source == "jobs" else PROXY
    spec = merged(project, {process: {**size, **with_variable()}}, {source: settings}, kind)
    assert [variables["HTTP_PROXY"] for variables in environments(spec)] == ["http://proxy:3128"] * 2


def test_variables_without_an_override_remain(project: Project) -> None:
    process = {"resource": {"memory": "1g", "cpu": 1}, **with_variable("TZ", "UTC")}
    spec = merged(project, {"taskManager": process}, {"enforced": PROXY})
    assert environments(spec)[1]["TZ"] == "UTC"
    assert "TZ" not in environments(spec)[0]


def test_removed_variable_is_removed_from_the_template_of_a_process(project: Project) -> None:
    process = {"resource": {"memory": "1g", "cpu": 1}, **with_variable("DEBUG", "1")}
    spec = merged(project, {"taskManager": process}, {"enforced": {"env": {"DEBUG": None}}})
    assert all("DEBUG" not in variables for variables in environments(spec))


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("containerized.master.env.HTTP_PROXY", "none", None),
        ("containerized.taskmanager.env.HTTP_PROXY", "none", None),
        ("containerized.taskmanager.env.TZ", "UTC", "UTC"),
        (
            "kubernetes.env.secretKeyRef",
            "env:HTTP_PROXY,secret:s,key:k;env:A,secret:s,key:a",
            "env:A,secret:s,key:a",
        ),
    ],
)
def test_variable_wins_over_options(project: Project, option: str, value: str, expected: str | None) -> None:
    spec = merged(project, {"flinkConfiguration": {option: value}}, {"enforced": PROXY})
    assert spec["flinkConfiguration"].get(option) == expected


def test_secret_files_and_templates_win_over_the_template_of_a_process(project: Project) -> None:
    own = {"spec": {"containers": [{"name": MAIN, "volumeMounts": [{"name": "mine", "mountPath": "/etc/ca"}]}]}}
    process = {"resource": {"memory": "1g", "cpu": 1}, "podTemplate": own}
    enforced = {
        "secretFiles": {"/etc/ca": {"secret": "ca"}},
        "spec": {"podTemplate": {"spec": {"nodeSelector": {"pool": "flink"}}}},
    }
    spec = merged(project, {"jobManager": process}, {"enforced": enforced})
    for template in templates(spec):
        [container] = [container for container in template.pod["containers"] if container["name"] == MAIN]  # pyright: ignore
        assert [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == "/etc/ca"] != ["mine"]
        assert template.pod["nodeSelector"] == {"pool": "flink"}


@pytest.mark.parametrize(
    "resources",
    [
        {"resource": {"memory": "8g", "cpu": 16}},
        {"resources": {"requests": {"memory": "8Gi", "cpu": "16"}}},
        {"resources": {"limits": {"memory": "8Gi", "cpu": "16"}}},
        {"resources": {"requests": {"memory": "1Gi", "cpu": "1"}, "limits": {"memory": "8Gi", "cpu": "16"}}},
    ],
)
def test_size_wins_over_resources(project: Project, resources: dict[str, Any]) -> None:
    sizes = {"memory": "2g", "cpu": 2}
    spec = merged(
        project,
        {"taskManager": resources, "flinkConfiguration": {"taskmanager.cpu.cores": "16"}},
        {"enforced": {"taskManager": sizes}},
    )
    [_, workers] = pods(spec, spec["flinkConfiguration"])
    assert workers.containers[0].requests == {"memory": 2**31, "cpu": 2}
    assert workers.containers[0].limits == {"memory": 2**31, "cpu": 2}
    assert "taskmanager.cpu.cores" not in spec["flinkConfiguration"]


@pytest.mark.parametrize(
    ("enforced", "option"),
    [
        ({"spec": {"serviceAccount": "safe"}}, "kubernetes.taskmanager.service-account"),
        ({"spec": {"serviceAccount": "safe"}}, "kubernetes.jobmanager.service-account"),
        ({"spec": {"podTemplate": {"spec": {"hostNetwork": False}}}}, "kubernetes.hostnetwork.enabled"),
        ({"parallelism": 2}, "pipeline.jobvertex-parallelism-overrides"),
    ],
)
def test_field_wins_over_options(project: Project, enforced: dict[str, Any], option: str) -> None:
    spec = merged(project, {"flinkConfiguration": {option: "x"}}, {"enforced": enforced})
    assert option not in spec["flinkConfiguration"]


@pytest.mark.parametrize(
    ("option", "text", "settings", "path", "value"),
    [
        ("taskmanager.memory.process.size", "2g", {}, "taskManager.resource.memory", "2g"),
        ("jobmanager.memory.process.size", "2g", {"jobManager": {"resources": {"limits": {"memory": "9Gi"}}}},
         "jobManager.resources.requests.memory", "2g"),
        ("kubernetes.container.image.ref", "safe:1", {}, "image", "safe:1"),
        ("kubernetes.service-account", "safe", {"serviceAccount": "admin"}, "serviceAccount", "safe"),
        ("kubernetes.taskmanager.cpu", "0.5", {}, "taskManager.resource.cpu", 0.5),
        ("kubernetes.jobmanager.replicas", "1", {"jobManager": {"replicas": 2, "resource": {"memory": "1g", "cpu": 1}}},
         "jobManager.replicas", 1),
        ("parallelism.default", "2", {}, "job.parallelism", 2),
    ],
)  # fmt: skip
def test_option_wins_over_the_field(
    project: Project, option: str, text: str, settings: dict[str, Any], path: str, value: object
) -> None:
    spec: Any = merged(project, settings, {"enforced": {"flinkConfiguration": {option: text}}})
    for part in path.split("."):
        spec = spec[part]
    assert spec == value


def test_parallelism_wins_over_the_number_of_task_managers(project: Project) -> None:
    process = {"replicas": 50, "resource": {"memory": "1g", "cpu": 1}}
    spec = merged(project, {"taskManager": process}, {"enforced": {"parallelism": 2}})
    assert "replicas" not in spec["taskManager"]
    assert spec["job"]["parallelism"] == 2


def test_job_file_wins_over_defaults(project: Project) -> None:
    process = {"resource": {"memory": "1g", "cpu": 1}, **with_variable()}
    spec = merged(project, {"taskManager": process}, {"jobDefaults": PROXY})
    assert [variables["HTTP_PROXY"] for variables in environments(spec)] == ["http://proxy:3128", "none"]


def test_problem_of_an_enforced_value_is_at_its_setting(project: Project) -> None:
    process = {"resource": {"memory": "1g", "cpu": 1}, **with_variable("DB_PASSWORD", "x")}
    manifest = yaml.safe_load(JOB)
    manifest["spec"]["taskManager"] = process
    project.job(yaml.safe_dump(manifest))
    project.stack({"enforced": {"env": {"DB_PASSWORD": "hunter2xyz"}}})
    assert {remark.problem.path for remark in project.load().remarks if remark.problem.rule == "plaintext-secret"} == {
        "enforced.env.DB_PASSWORD"
    }
