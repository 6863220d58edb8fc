"""Defects of the walk-through that this project replaces, each with a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = [ROOT / "__main__.py", *(ROOT / "flink_k8s").rglob("*.py")]


def test_no_sleep_for_a_fixed_time():
    """`sleep 60` replaced a dependency. Allowed are pauses between two checks of a condition, and sleep(0).

    No object shows when Kubernetes has looked for new kinds, so a new quota waits for a certain age of its kinds.
    """
    assert len(CODE) > 10
    sleeps = [
        f"{path.name}: {line.strip()}"
        for path in CODE
        for line in path.read_text().splitlines()
        if re.search(r"\bsleep\((?!0\))", line)
    ]
    polls = {"api_server.py", "crds.py", "demo.py", "release_pods.py", "run.py", "watch.py", "webhook.py"}
    assert {line.partition(":")[0] for line in sleeps} == {*polls, "flink_quota.py"}
    assert not re.search(r"\bsleep\b", (ROOT / "Makefile").read_text())


def test_prometheus_has_a_namespace_of_its_own(resource_graph):
    release = resource_graph("dev").find("Release", "prometheus")
    assert release.namespace == "monitoring"


def test_charts_are_pinned(resource_graph):
    versions = {
        resource.object_name: resource.inputs["version"]
        for resource in resource_graph("dev").objects
        if resource.is_release
    }
    assert len(versions) == 3
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", version) for version in versions.values())


def test_operator_chart_comes_from_the_archive(resource_graph):
    release = resource_graph("dev").find("Release", "flink-kubernetes-operator")
    assert release.inputs["repositoryOpts"]["repo"].startswith("https://archive.apache.org/")


def test_the_operators_pod_monitor_has_a_port_to_scrape(resource_graph):
    graph = resource_graph("dev")
    values = graph.find("Release", "flink-kubernetes-operator").inputs["values"]
    assert values["metrics"] == {"port": 9999}
    configuration = values["defaultConfiguration"]["config.yaml"]
    assert 'kubernetes.operator.metrics.reporter.prom.port: "9999"' in configuration
    spec = graph.find("PodMonitor", "flink-kubernetes-operator").inputs["spec"]
    assert spec["podMetricsEndpoints"] == [{"port": "metrics"}]
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": "flink-kubernetes-operator"}


def test_monitors_are_found_whatever_their_labels(resource_graph):
    values = resource_graph("dev").find("Release", "prometheus").inputs["values"]
    spec = values["prometheus"]["prometheusSpec"]
    selectors = {key: value for key, value in spec.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert len(selectors) == 4
    assert not any(selectors.values())


def test_a_changed_operator_configuration_restarts_the_operator(resource_graph):
    def annotation(**configuration: str) -> str:
        graph = resource_graph("sandbox", operator={"webhook": False, "configuration": configuration})
        return graph.find("Release").inputs["values"]["operatorPod"]["annotations"]["flink-k8s/config-hash"]

    annotations = annotation(**{"kubernetes.operator.reconcile.interval": "15 s"})
    other = annotation(**{"kubernetes.operator.reconcile.interval": "20 s"})
    assert annotations != other


@pytest.mark.parametrize(("version", "key"), [("1.16.1", "config.yaml"), ("1.7.0", "flink-conf.yaml")])
def test_operator_configuration_is_in_the_file_of_its_version(resource_graph, version, key):
    graph = resource_graph(
        "sandbox",
        operator={"webhook": False, "version": version},
        jobs={"word-count": {"flinkVersion": "v1_17" if version == "1.7.0" else "v2_2"}},
    )
    configuration = graph.find("Release").inputs["values"]["defaultConfiguration"]
    assert set(configuration) == {"create", "append", key}
    assert configuration["append"] is True  # the chart's own block opens to Flink what Java 17 keeps closed


def test_the_job_can_run_twice(resource_graph):
    """A batch job that has finished runs again for a new restartNonce, and keeps everything else."""
    first = resource_graph("sandbox", jobs={"word-count": {"restartNonce": 1}}).find("FlinkDeployment")
    second = resource_graph("sandbox", jobs={"word-count": {"restartNonce": 2}}).find("FlinkDeployment")
    assert first.inputs["spec"]["restartNonce"] == 1
    assert {**first.inputs["spec"], "restartNonce": 2} == second.inputs["spec"]
