"""Resource requests by job, team and environment, and quotas during a blue/green switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.cli.main import main
from flink_k8s.config.merge import merge_mappings
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.quota_usage import StackRequests
from tests.unit.project import JOB, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def job(name: str, kind: str = "FlinkDeployment", **spec: Any) -> str:
    manifest = yaml.safe_load(JOB)
    merged = merge_mappings(manifest["spec"], spec)
    if kind == "FlinkBlueGreenDeployment":
        merged = {"template": {"spec": {**merged, "job": {**merged["job"], "upgradeMode": "stateless"}}}}
    return yaml.safe_dump({**manifest, "kind": kind, "metadata": {"name": name}, "spec": merged})


def declared(project: Project) -> StackRequests:
    platform = project.load()
    return resource_requests.declared(platform.jobs, platform.attachments, platform.settings)


def cells(requests: StackRequests, name: str) -> tuple[str, ...]:
    return next(resource_requests.cells(item) for key, item in requests.jobs.items() if key[2] == name)


def test_a_job_a_team_and_the_environment(project: Project) -> None:
    project.job(job("orders", job={"parallelism": 3}), "orders.yaml")
    project.stack(
        {"namespaces": {"flink": {}, "b": {}}, "defaultNamespace": "flink", "jobs": {"orders": {"namespace": "b"}}}
    )
    assert resource_requests.text(declared(project), "x") == [
        "JOB               PODS  CPU  MEMORY  STORAGE",
        "b/orders          4     4    4 GiB   0",
        "b: all            4     4    4 GiB   0",
        "flink/word-count  2     2    2 GiB   0",
        "flink: all        2     2    2 GiB   0",
        "stack x: all      6     6    6 GiB   0",
    ]


def test_blue_green_deployment_has_a_peak_of_twice_its_requests(project: Project) -> None:
    project.job(job("orders", "FlinkBlueGreenDeployment"), "orders.yaml")
    actual = declared(project)
    assert cells(actual, "orders") == ("2 (peak 4)", "2 (peak 4)", "2 GiB (peak 4 GiB)", "0")
    assert cells(actual, "word-count") == ("2", "2", "2 GiB", "0")
    assert (
        resource_requests.summary(actual)
        == "requests 4 (peak 6) CPU, 4 GiB (peak 6 GiB) of memory, 0 of storage in 4 (peak 6) pods"
    )


def test_suspended_job_requests_nothing_and_session_job_counts_for_its_cluster(project: Project) -> None:
    cluster = yaml.safe_load(job("shared"))
    cluster["spec"].pop("job")
    cluster["spec"]["flinkConfiguration"] = {"taskmanager.numberOfTaskSlots": "2"}
    session = {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkSessionJob",
        "metadata": {"name": "inside"},
        "spec": {
            "deploymentName": "shared",
            "job": {"jarURI": "https://example.org/j.jar", "parallelism": 3, "upgradeMode": "stateless"},
        },
    }
    project.job(yaml.safe_dump_all([cluster, session]), "session.yaml")
    project.stack({"jobs": {"word-count": {"state": "suspended"}}})
    actual = declared(project)
    assert cells(actual, "word-count") == ("0", "0", "0", "0")
    assert cells(actual, "inside") == ("0", "0", "0", "0")
    assert cells(actual, "shared")[0] == "3", "a JobManager, and two slots each for a parallelism of 3"
    project.stack({"jobs": {"word-count": {"state": "suspended"}, "inside": {"state": "suspended"}}})
    assert cells(declared(project), "shared")[0] == "1"


def test_claims_of_one_job_are_its_own_and_others_the_teams(project: Project) -> None:
    def using(name: str, *claims: str) -> str:
        volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]
        ephemeral = {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}
        volumes.append({"name": "scratch", "ephemeral": ephemeral})
        return job(name, podTemplate={"spec": {"volumes": volumes}})

    def claim(name: str, size: str) -> str:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return yaml.safe_dump(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
        )

    project.job(
        "---\n".join([using("orders", "own", "both"), claim("own", "2Gi"), claim("both", "4Gi")]), "orders.yaml"
    )
    project.job(using("visits", "both"), "visits.yaml")
    project.stack({"stateStorage": {"type": "volume", "volume": {"size": "8Gi"}}})
    actual = declared(project)
    assert cells(actual, "orders")[3] == "4 GiB", "its own claim, and one that comes with each of its two pods"
    assert cells(actual, "visits")[3] == "2 GiB"
    assert actual.shared == {"flink": (4 + 8) * 2**30}, "what two jobs share, and the platform's claim for state"
    assert resource_requests.cells(actual.total)[3] == "18 GiB"


@pytest.mark.parametrize(
    ("cpu", "problem"),
    [
        (1, "requests 2 CPU (1 JobManager with 1, 1 TaskManager with 1), exceeding the quota of 1 of namespace flink"),
        (
            3,
            "requests 4 CPU while blue and green run in parallel, exceeding the quota of 3 of namespace flink",
        ),
        (5, "is 5, but the jobs together request 6 while blue and green of orders run in parallel"),
        (6, ""),
    ],
)
def test_a_quota_that_no_change_of_a_blue_green_deployment_fits_in(project: Project, cpu: int, problem: str) -> None:
    project.job(job("orders", "FlinkBlueGreenDeployment"), "orders.yaml")
    project.stack({"strict": True, "namespaces": {"flink": {"quota": {"cpu": cpu}}}})
    findings = [problem for problem in project.problems() if "cpu" in problem or "switch" in problem]
    assert [problem in item for item in findings if problem] or not problem
    assert bool(findings) == bool(problem), findings
    if problem:
        assert any(problem in item for item in findings), findings


def test_the_command_prints_the_sum_and_with_a_switch_each_job(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", "x", "--root", str(project.root)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        "x: requests 2 CPU, 2 GiB of memory, 0 of storage in 2 pods",
        "x: good; jobs: flink/word-count",
    ]
    assert main([*arguments, "--cost", "text"]) == 0
    assert "flink/word-count  2     2    2 GiB   0" in capsys.readouterr().out.splitlines()
    assert main([*arguments, "--cost", "markdown"]) == 0
    assert "| `flink/word-count` | 2 | 2 | 2 GiB | 0 |" in capsys.readouterr().out.splitlines()


OPTIONS: list[tuple[dict[str, str], tuple[str, str, str]]] = [
    ({"slotmanager.redundant-taskmanager-num": "2"}, ("6", "6", "6 GiB")),
    ({"slotmanager.number-of-slots.min": "5"}, ("6", "6", "6 GiB")),
    ({"pipeline.jobvertex-parallelism-overrides": "a:1,b:5"}, ("6", "6", "6 GiB")),
    ({"taskmanager.numberOfTaskSlots": "3"}, ("2", "2", "2 GiB")),
    ({"taskmanager.cpu.cores": "2"}, ("4", "7", "4 GiB")),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS)
def test_options_determine_what_runs(project: Project, options: dict[str, str], expected: tuple[str, str, str]) -> None:
    project.job(job("orders", job={"parallelism": 3}, flinkConfiguration=options), "orders.yaml")
    assert cells(declared(project), "orders")[:3] == expected


def test_memory_and_jobmanagers_follow_options_without_fields(project: Project) -> None:
    options = {
        "jobmanager.memory.flink.size": "1g",
        "taskmanager.memory.flink.size": "1g",
        "kubernetes.jobmanager.replicas": "2",
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": "s3://bucket/ha",
    }
    spec = yaml.safe_load(job("orders", flinkConfiguration=options))
    del spec["spec"]["jobManager"], spec["spec"]["taskManager"]
    project.job(yaml.safe_dump(spec), "orders.yaml")
    # Each process: 1 GiB of Flink, 256 MiB of metaspace, 192 MiB of overhead.
    assert cells(declared(project), "orders")[:3] == ("3", "3", "4.3 GiB")


def test_a_session_cluster_without_jobs_starts_no_redundant_taskmanager(project: Project) -> None:
    cluster = yaml.safe_load(job("shared", flinkConfiguration={"slotmanager.redundant-taskmanager-num": "1"}))
    cluster["spec"].pop("job")
    project.job(yaml.safe_dump(cluster), "session.yaml")
    assert cells(declared(project), "shared")[0] == "1"


WORKLOADS = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 3
  selector: {matchLabels: {app: store}}
  template:
    spec:
      initContainers: [{name: init, image: "a:1", resources: {requests: {cpu: 2, memory: 1Gi}}}]
      containers: [{name: store, image: "a:1", resources: {requests: {cpu: 500m, memory: 2Gi}}}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 5Gi}}}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      parallelism: 4
      completions: 2
      template: {spec: {containers: [{name: a, image: "a:1", resources: {requests: {cpu: 1, memory: 1Gi}}}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: later}
spec: {suspend: true, template: {spec: {containers: [{name: a, image: "a:1", resources: {limits: {cpu: 9}}}]}}}
"""


def test_workloads_of_job_files_count_for_the_quota(project: Project) -> None:
    project.job(WORKLOADS, "workloads.yaml")
    actual = declared(project)
    assert cells(actual, "store") == ("3", "6", "6 GiB", "15 GiB")
    assert cells(actual, "nightly") == ("2", "2", "2 GiB", "0")
    assert cells(actual, "later") == ("0", "0", "0", "0")


def test_a_quota_that_only_other_workloads_exceed_is_found(project: Project) -> None:
    project.job(WORKLOADS, "workloads.yaml")
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 5}}}})
    assert [line for line in project.problems() if "exceeding" in line] == [
        "jobs/workloads.yaml:4: spec: requests 6 CPU (3 Pods with 2), exceeding the quota of 5 of namespace flink;"
        " lower the requests or the number of pods, or raise namespaces.flink.quota.cpu"
    ]
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 9}}}})
    [line] = [line for line in project.remarks() if "together request" in line]
    assert "together request 10 (nightly 2, store 6, word-count 2)" in line


def test_a_workload_without_requests_in_a_namespace_with_a_quota_is_found(project: Project) -> None:
    project.job(WORKLOADS.replace("cpu: 500m, ", ""), "workloads.yaml")
    project.stack({"namespaces": {"flink": {"quota": {"cpu": 50}}}})
    [line] = project.problems()
    assert line.startswith(
        "jobs/workloads.yaml:10: spec.template.spec.containers[0]: container store has no request for cpu"
    )
