"""A job with connectors and a jar of the project, as the program deploys it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from flink_k8s.facts.artifacts import artifacts_of
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.resolve.connectors import FETCH_JARS
from tests.program.conftest import ROOT

JAR = ROOT / "tests" / "data" / "artifacts" / "orders.jar"
REPOSITORY = "http://maven.tools:8080"
POD_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.fixture
def graph(resource_graph) -> ResourceGraph:
    return resource_graph(
        "sandbox",
        jobFolders=["tests/data/artifacts"],
        mavenRepository=REPOSITORY,
        jobs={"orders": {"connectors": ["kafka", "s3a"]}},
    )


def test_pod_template_of_the_job(graph: ResourceGraph) -> None:
    pod: dict[str, Any] = graph.find("FlinkDeployment").inputs["spec"]["podTemplate"]["spec"]
    [init] = pod["initContainers"]
    [program] = [variable["value"] for variable in init.pop("env")]
    assert len(program) > FETCH_JARS.stat().st_size
    [kafka] = artifacts_of("kafka", "2.2")
    command = init.pop("command")
    assert command[-1] == "sh"
    assert init == {
        "name": "fetch-connectors",
        "image": "flink:2.2.1",
        "args": ["/opt/flink/lib/connectors", f"{kafka.url(REPOSITORY)}#{kafka.sha256}"],
        "volumeMounts": [{"name": "connectors", "mountPath": "/opt/flink/lib/connectors"}],
        "resources": {"requests": {"cpu": "100m", "memory": "160Mi"}, "limits": {"cpu": "1", "memory": "160Mi"}},
        "securityContext": POD_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    [main] = pod["containers"]
    assert main["env"] == [{"name": "ENABLE_BUILT_IN_PLUGINS", "value": "flink-s3-fs-hadoop-2.2.1.jar"}]
    mounts = {mount["name"]: mount["mountPath"] for mount in main["volumeMounts"]}
    assert mounts == {"connectors": "/opt/flink/lib/connectors", "flink-state": "/flink-state"}


def test_jar_is_uploaded_before_the_job_that_runs_it(graph: ResourceGraph) -> None:
    job = graph.find("FlinkDeployment")
    digest = hashlib.sha256(JAR.read_bytes()).hexdigest()[:16]
    uri = f"local:///flink-state/sandbox/flink/orders/jars/{digest}/orders.jar"
    assert job.inputs["spec"]["job"]["jarURI"] == uri
    assert {"upload-jar"} <= set(job.hooks["before_create"]) & set(job.hooks["before_update"])
    assert graph.depends_on(job, graph.find("PersistentVolumeClaim"))


def test_policy_of_the_job_allows_the_repository(graph: ResourceGraph) -> None:
    [policy] = [item for item in graph.find_all("NetworkPolicy") if "orders" in item.title]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "tools"}}
    peers = [rule for rule in policy.inputs["spec"]["egress"] if rule.get("to") == [{"namespaceSelector": selector}]]
    assert [port["port"] for rule in peers for port in rule["ports"]] == [8080]


def test_other_jobs_have_no_hook(resource_graph) -> None:
    graph = resource_graph("sandbox", jobFolders=["tests/data/sql"])
    assert "before_create" not in graph.find("FlinkDeployment").hooks
