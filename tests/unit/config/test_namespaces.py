"""A team's namespace: what its bounds refuse, each with the neighbour that they let pass."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml

from flink_k8s.cli.main import main
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.namespace import Limits
from flink_k8s.resolve import pod_requests
from tests.unit.project import JOB, SESSION, Project

CLAIM = """
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}
"""
SIDECAR = "  podTemplate: {spec: {containers: [{name: flink-main-container}, {name: side, image: side:1}]}}\n"


def job(name: str = "word-count", **spec: Any) -> str:
    """The job file with a changed part of its spec."""
    manifest = yaml.safe_load(JOB)
    manifest["metadata"]["name"] = name
    return yaml.safe_dump(merge_mappings(manifest, {"spec": spec}))


def problems_with(project: Project, word: str) -> list[str]:
    """The problems that a word is in, without their place."""
    return [problem.partition(": ")[2] for problem in project.problems() if word in problem]


@pytest.mark.parametrize(
    ("quota", "problem"),
    [
        ({"cpu": "4500m"}, "spec.taskManager: requests 5 CPU (1 JobManager with 1, 4 TaskManagers with 1), exceeding the quota of"
         " 4.5 of namespace flink; lower parallelism or size, or raise namespaces.flink.quota.cpu"),
        ({"memory": "4Gi"}, "spec.taskManager: requests 5Gi memory (1 JobManager with 1Gi, 4 TaskManagers with 1Gi), exceeding the quota"
         " of 4Gi of namespace flink; lower parallelism or size, or raise namespaces.flink.quota.memory"),
        ({"pods": 4}, "spec.taskManager: requests 5 pods (1 JobManager, 4 TaskManagers), exceeding the quota of 4 of namespace flink;"
         " lower the parallelism, or raise namespaces.flink.quota.pods"),
        ({"deployments": 0}, "namespaces.flink.quota.deployments: is 0, but 1 FlinkDeployments are declared in the namespace; raise it"),
        ({"claims": 0}, "namespaces.flink.quota.claims: is 0, but 1 claims are declared in the namespace; raise it"),
        ({"storage": "5Gi"}, "namespaces.flink.quota.storage: is 5Gi, but the claims together request 10Gi; raise it"),
    ],
)  # fmt: skip
def test_request_that_exceeds_the_quota_is_an_error(project: Project, quota: dict[str, Any], problem: str) -> None:
    project.job(job(job={"parallelism": 8}, flinkConfiguration={"taskmanager.numberOfTaskSlots": "2"}) + CLAIM)
    project.stack({"namespaces": {"flink": {"quota": quota}}})
    assert problems_with(project, "quota") == [problem]


@pytest.mark.parametrize(
    "quota",
    [{"cpu": 5}, {"memory": "5Gi"}, {"pods": 5}, {"deployments": 1}, {"claims": 1}, {"storage": "10Gi"}, {}],
)
def test_request_within_the_quota_has_no_finding(project: Project, quota: dict[str, Any]) -> None:
    project.job(job(job={"parallelism": 8}, flinkConfiguration={"taskmanager.numberOfTaskSlots": "2"}) + CLAIM)
    project.stack({"namespaces": {"flink": {"quota": quota}}})
    assert not [remark for remark in project.remarks() if "quota" in remark]


def test_the_platforms_own_claim_counts(project: Project) -> None:
    project.job(job(job={"upgradeMode": "savepoint"}))
    storage = {"type": "volume", "volume": {"size": "5Gi"}}
    project.stack({"stateStorage": storage, "namespaces": {"flink": {"quota": {"claims": 0, "storage": "4Gi"}}}})
    assert [item.partition("; ")[0] for item in problems_with(project, "quota")] == [
        "namespaces.flink.quota.claims: is 0, but 1 claims are declared in the namespace",
        "namespaces.flink.quota.storage: is 4Gi, but the claims together request 5Gi",
    ]
    project.stack({"stateStorage": storage, "namespaces": {"flink": {"quota": {"claims": 1, "storage": "5Gi"}}}})
    project.load()


def test_suspended_job_requests_nothing(project: Project) -> None:
    project.job(job(job={"state": "suspended"}))
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 1}}}})
    project.load()


def test_jobs_that_exceed_the_quota_together_are_a_warning_and_an_error_if_strict(project: Project) -> None:
    project.job(job("one"), "one.yaml")
    project.job(job("other"), "word_count.yaml")
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 3}}}})
    [crowded] = [remark for remark in project.remarks() if "quota" in remark]
    assert crowded.endswith(
        "namespaces.flink.quota.cpu: is 3, but the jobs together request 4 (one 2, other 2), so some jobs wait until others have"
        " ended; raise it"
    )
    project.stack({"strict": True, "namespaces": {"flink": {"quota": {"cpu": 3}}}})
    assert problems_with(project, "together")


def test_pods_that_exceed_the_quota_together_are_a_warning(project: Project) -> None:
    project.job(job("one"), "one.yaml")
    project.job(job("other"), "word_count.yaml")
    project.stack({"namespaces": {"flink": {"quota": {"pods": 3}}}})
    [crowded] = [remark for remark in project.remarks() if "quota" in remark]
    assert "quota.pods: is 3, but the jobs together request 4 (one 2, other 2)" in crowded
    project.stack({"namespaces": {"flink": {"quota": {"pods": 4}}}})
    assert not [remark for remark in project.remarks() if "quota" in remark]


def test_an_operator_that_does_not_know_a_kind_cannot_count_it(project: Project) -> None:
    project.job(job(flinkVersion="v1_17"))
    project.stack(
        {"operator": {"version": "1.7.0"}, "namespaces": {"flink": {"quota": {"snapshots": 3, "sessionJobs": 3}}}}
    )
    assert problems_with(project, "quota") == [
        "namespaces.flink.quota.snapshots: limits FlinkStateSnapshots, which operator 1.7.0 does not support; remove it"
    ]


def test_container_without_request_in_a_namespace_with_quota_is_an_error(project: Project) -> None:
    project.job(JOB + SIDECAR)
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 8}}}})
    assert problems_with(project, "has no request") == [
        "spec.podTemplate.spec.containers[1]: container side has no request for cpu, which the quota of the namespace requires;"
        " set resources.requests.cpu, or limits.defaultRequest.cpu of the namespace"
    ]
    for limits in ({"defaultRequest": {"cpu": "100m"}}, {"default": {"cpu": "100m"}}, {"max": {"cpu": 2}}):
        project.stack({"namespaces": {"flink": {"quota": {"cpu": 8}, "limits": limits}}})
        project.load()


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"max": {"memory": "512Mi"}}, "container flink-main-container has a limit of 1Gi memory, exceeding the maximum of 512Mi; lower it, or raise"
         " limits.max.memory of the namespace"),
        ({"max": {"cpu": "500m"}}, "container flink-main-container has a limit of 1 CPU, exceeding the maximum of 500m; lower it, or raise"
         " limits.max.cpu of the namespace"),
        ({"min": {"cpu": 2}}, "container flink-main-container requests 1 CPU, which is less than the minimum of 2; raise it, or lower"
         " limits.min.cpu of the namespace"),
    ],
)  # fmt: skip
def test_a_container_outside_of_the_limits(project: Project, limits: dict[str, Any], problem: str) -> None:
    project.stack({"namespaces": {"flink": {"limits": limits}}})
    assert {item.partition(": ")[2] for item in problems_with(project, "container ")} == {problem}
    project.stack({"namespaces": {"flink": {"limits": {"max": {"cpu": 1, "memory": "1Gi"}, "min": {"cpu": 1}}}}})
    project.load()


def test_a_claim_larger_than_the_limit(project: Project) -> None:
    project.job(JOB + CLAIM)
    project.stack({"namespaces": {"flink": {"limits": {"claim": "5Gi"}}}})
    assert problems_with(project, "claim") == [
        "namespaces.flink.limits.claim: is 5Gi, but the claim data requests 10Gi; raise it"
    ]
    project.stack({"namespaces": {"flink": {"limits": {"claim": "10Gi"}}}})
    project.load()


@pytest.mark.parametrize(
    ("namespace", "problem"),
    [
        ({"quota": {"cpu": "lots"}}, 'namespaces.flink.quota.cpu: is "lots", which is not a valid value; write a quantity such as "500m", "2" or "4Gi"'),
        ({"quota": {"cpu": -1}}, "namespaces.flink.quota.cpu: is negative"),
        ({"quota": {"job": 1}}, "namespaces.flink.quota.job: unknown field"),
        ({"quota": {"hard": {"requests.cpu": 1}}}, 'namespaces.flink.quota.hard["requests.cpu"]: has a key of its own; set quota.cpu'),
        ({"quota": {"hard": {"cpu": 1}, "cpu": 50}}, "namespaces.flink.quota.hard.cpu: has a key of its own; set quota.cpu"),
        ({"quota": {"hard": {"memory": "1Gi"}}}, "namespaces.flink.quota.hard.memory: has a key of its own; set quota.memory"),
        ({"quota": {"hard": {"count/flinksessionjobs.flink.apache.org": 1}}}, 'hard["count/flinksessionjobs.flink.apache.org"]: has a key of its own; set quota.sessionJobs'),
        ({"limits": {"min": {"cpu": 2}, "max": {"cpu": 1}}}, "contains min.cpu 2, which exceeds max.cpu 1; lower the first or raise the second"),
        ({"podSecurity": "strict"}, "namespaces.flink.podSecurity: "),
        ({"podSecurityVersion": "1.34"}, "namespaces.flink.podSecurityVersion: "),
        ({"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}, "conflicts with podSecurity; set podSecurity of the namespace"),
    ],
)  # fmt: skip
def test_invalid_namespace_settings_are_errors(project: Project, namespace: dict[str, Any], problem: str) -> None:
    project.stack({"namespaces": {"flink": namespace}})
    assert [item for item in project.problems() if problem in item], project.problems()


def deployment(**spec: Any) -> dict[str, Any]:
    return merge_mappings(yaml.safe_load(JOB)["spec"], spec)


@pytest.mark.parametrize(
    ("spec", "configuration", "numbers"),
    [
        ({}, {}, (1, 1)),
        ({"job": {"parallelism": 5}}, {"taskmanager.numberOfTaskSlots": "2"}, (1, 3)),
        ({"taskManager": {"replicas": 4}}, {}, (1, 4)),
        ({"job": None}, {}, (1, 0)),
        ({"job": None, "mode": "standalone"}, {}, (1, 1)),
        ({"jobManager": {"replicas": 2}}, {}, (2, 1)),
        ({"job": {"parallelism": None}}, {"parallelism.default": "3"}, (1, 3)),
    ],
)
def test_number_of_pods_of_a_deployment(
    spec: dict[str, Any], configuration: dict[str, str], numbers: tuple[int, int]
) -> None:
    assert tuple(pod.number for pod in pod_requests.pods(deployment(**spec), configuration)) == numbers


@pytest.mark.parametrize(
    ("task_manager", "configuration", "cpu", "memory"),
    [
        ({}, {}, "1", 1024**3),
        ({"resource": {"cpu": 0.5, "memory": "1600m"}}, {}, "0.5", 1600 * 1024**2),
        ({"resource": None, "resources": {"requests": {"cpu": "250m", "memory": "2Gi"}}}, {}, "0.25", 2 * 1024**3),
        ({"resource": None, "resources": {"limits": {"cpu": 3, "memory": "2Gi"}}}, {}, "3", 2 * 1024**3),
        # `resources` is instead of `resource`, not over it.
        ({"resources": {"limits": {"cpu": 3}}}, {"taskmanager.memory.process.size": "3g"}, "3", 3 * 1024**3),
        ({"resource": {"cpu": None}}, {"taskmanager.cpu.cores": "1.5"}, "1.5", 1024**3),
        ({"resource": {"cpu": None}}, {"taskmanager.numberOfTaskSlots": "4"}, "4", 1024**3),
        ({"resource": {"cpu": None}}, {"kubernetes.taskmanager.cpu.amount": "2.5"}, "2.5", 1024**3),
        ({"resource": {"memory": None}}, {"taskmanager.memory.process.size": "3g"}, "1", 3 * 1024**3),
    ],
)
def test_resource_requests_of_a_taskmanager(
    task_manager: dict[str, Any], configuration: dict[str, str], cpu: str, memory: int
) -> None:
    pods = pod_requests.pods(deployment(taskManager=task_manager), configuration)[1]
    assert (pods.request("cpu", Limits()), pods.request("memory", Limits())) == (Decimal(cpu), Decimal(memory))


def test_a_limit_is_the_request_times_flinks_factor() -> None:
    [flink] = pod_requests.pods(deployment(), {"kubernetes.taskmanager.cpu.limit-factor": "4"})[1].containers
    assert flink.limits == {"cpu": Decimal(4), "memory": Decimal(1024**3)}


@pytest.mark.parametrize("factor", ["NaN", "Infinity", "1e999999", "0.5", "-1", "x"])
def test_a_factor_that_flink_cannot_multiply_by_counts_as_none(factor: str) -> None:
    """Another rule refuses it; here no traceback comes of it."""
    [flink] = pod_requests.pods(deployment(), {"kubernetes.jobmanager.cpu.limit-factor": factor})[0].containers
    assert flink.limits["cpu"] == 1


@pytest.mark.parametrize(
    "quota", [{}, {"cpu": 5, "memory": "5Gi", "pods": 5, "storage": "5Gi"}], ids=["free", "bounded"]
)
@pytest.mark.parametrize("mode", ["job", "session job"])
def test_numbers_of_four_hundred_digits_are_reckoned_with(
    project: Project, quota: dict[str, Any], mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is larger than any float is too much, and no traceback."""
    many = int("9" * 400)
    text = (
        job(job={"parallelism": many}) if mode == "job" else SESSION.replace("parallelism: 1", f"parallelism: {many}")
    )
    project.job(text + CLAIM.replace("10Gi", "9" * 400))
    project.stack({"namespaces": {"flink": {"quota": quota}}})
    code = main(["check", "x", "--root", str(project.root), "--cost", "text"])
    assert code == (1 if quota and mode == "job" else code)
    assert "traceback" not in "".join(capsys.readouterr()).lower()


def sized(name: str, cpu: str, **more: str) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("first", "cpu"),
    [
        ([sized("proxy", "1", restartPolicy="Always")], "2.5"),
        ([sized("proxy", "1", restartPolicy="Always"), sized("load", "2")], "3"),
        ([sized("load", "2"), sized("proxy", "1", restartPolicy="Always")], "2.5"),
        ([sized("load", "2"), sized("other", "1")], "2"),
        (
            [sized("a", "1", restartPolicy="Always"), sized("b", "0.5", restartPolicy="Always"), sized("load", "2")],
            "3.5",
        ),
    ],
)
def test_native_sidecar_counts_with_later_containers(first: list[dict[str, Any]], cpu: str) -> None:
    """Kubernetes's formula: a native sidecar counts with the containers, and with each later init container."""
    template = {"spec": {"containers": [sized("side", "500m")], "initContainers": first}}
    [managers, _] = pod_requests.pods(deployment(podTemplate=template), {})
    assert managers.request("cpu", Limits()) == Decimal(cpu)


def test_pod_requests_its_containers_or_its_largest_init_container() -> None:
    template = {"spec": {"containers": [sized("side", "500m")], "initContainers": [sized("first", "1200m")]}}
    pods = pod_requests.pods(deployment(podTemplate=template), {})
    assert [pod.request("cpu", Limits()) for pod in pods] == [Decimal("1.5"), Decimal("1.5")]
    own = {"podTemplate": {"spec": {"initContainers": [sized("first", "2")]}}}
    pods = pod_requests.pods(deployment(podTemplate=template, taskManager=own), {})
    assert [pod.request("cpu", Limits()) for pod in pods] == [Decimal("1.5"), Decimal("2")]
