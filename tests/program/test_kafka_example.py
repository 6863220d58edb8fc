"""The shipped example with Kafka, run whole: topics and users before the jobs, egress to the brokers, no password."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flink_k8s.config import stack_file
from flink_k8s.operations.check import check
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT

STACK = "kafka"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the example's stack and jobs."""
    folder = tmp_path_factory.mktemp(STACK)
    shutil.copy2(ROOT / "__main__.py", folder)
    shutil.copytree(ROOT / "jobs" / "pyflink", folder / "jobs" / "pyflink")
    shutil.copytree(ROOT / "examples" / STACK, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def graph(root: Path) -> ResourceGraph:
    return run_program(root, STACK, stack_file.read(root, STACK), preview=True)


def test_the_example_is_good(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check([STACK], root=root) == 0
    assert "kafka: good; jobs: flink/large-orders, flink/order-totals" in capsys.readouterr().out


@pytest.mark.parametrize("job", ["order-totals", "large-orders"])
def test_topics_and_user_are_ready_before_the_job(graph: ResourceGraph, job: str) -> None:
    [resource] = [found for found in graph.find_all("FlinkDeployment") if found.title.endswith(f"/{job}")]
    before = {"KafkaTopic flink/orders", f"KafkaTopic flink/{job}", f"KafkaUser flink/{job}"}
    objects = [*graph.find_all("KafkaTopic"), *graph.find_all("KafkaUser")]
    assert {found.title for found in objects if graph.depends_on(resource, found)} == before
    assert {found.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] for found in objects} == {"condition=Ready"}


def test_jobs_reach_the_brokers(graph: ResourceGraph) -> None:
    broker = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kafka"}},
        "podSelector": {"matchLabels": {"strimzi.io/cluster": "events"}},
    }
    rule = {"to": [broker], "ports": [{"port": 9092, "protocol": "TCP"}]}
    policies = [found for found in graph.find_all("NetworkPolicy") if "flinkdeployment-" in found.title]
    assert len(policies) == 2
    assert all(rule in policy.inputs["spec"]["egress"] for policy in policies)


def test_passwords_are_references(graph: ResourceGraph) -> None:
    jobs = {
        found.title: json.dumps(found.inputs["spec"], sort_keys=True) for found in graph.find_all("FlinkDeployment")
    }
    assert '"secretName": "order-totals"' in jobs["FlinkDeployment flink/order-totals"]
    assert '"secretKeyRef": {"key": "password", "name": "large-orders"}' in jobs["FlinkDeployment flink/large-orders"]
    [script] = [found for found in graph.find_all("ConfigMap") if "order-totals" in found.title]
    assert "${secret:order-totals/password}" in script.inputs["data"]["order-totals.json"]
