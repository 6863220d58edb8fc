"""An operator and a Prometheus that exist in the cluster, with plain `pulumi` on a bare API server."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.engine.plain import Plain
from tests.steps import step
from tests.unit.health.test_existing_operator import deployment

SPEC = {
    "image": "shop/orders:1",
    "flinkVersion": "v1_20",
    "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
    "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
    "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"},
}
NAME = {"name": "flink-kubernetes-operator", "namespace": "flink-operator"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plain]:
    with Plain.started(tmp_path_factory.mktemp("operator")) as project:
        yield project


def apply(plain: Plain, *manifests: dict[str, Any]) -> None:
    content = {"apiVersion": "v1", "kind": "List", "items": manifests}
    plain.kubectl.run("apply", "-f", "-", stdin=json.dumps(content).encode())


def operator(image: str) -> dict[str, Any]:
    """The operator's Deployment with the fields that the API server requires."""
    manifest = deployment(f"ghcr.io/apache/flink-kubernetes-operator:{image}")
    template = manifest["spec"]["template"]
    template["metadata"] = {"labels": {"app": "operator"}}
    template["spec"]["volumes"] = [
        {
            "name": "config",
            "configMap": {"name": "flink-operator-config", "items": [{"key": "config.yaml", "path": "a"}]},
        }
    ]
    spec = {**manifest["spec"], "selector": {"matchLabels": {"app": "operator"}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": NAME, "spec": spec}


def test_jobs_are_compared_with_the_operator_in_the_cluster(plain: Plain):
    plain.write("orders", SPEC)
    with step("without an operator, a preview reports what it has not compared"):
        done = plain.pulumi("preview")
        assert done.code == 0, done.output
        assert "could not read the operator: the namespace flink-operator has no Deployment" in done.output
        assert "[assumed-operator]" in done.output

    plain.kubectl.run("create", "namespace", "flink-operator")
    data = {"config.yaml": "kubernetes.operator.watched.namespaces: default,team-b\n"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**NAME, "name": "flink-operator-config"}}
    apply(plain, operator("1.13.0"), {**config_map, "data": data})

    with step("its version is used"):
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        assert "could not read" not in done.output
        assert "-operator]" not in done.output

    with step("a new version of the cluster is used, with its rules"):
        apply(plain, operator("1.7.0"))
        done = plain.pulumi("preview")
        assert done.code != 0
        assert "which operator 1.7.0 does not support" in done.output

    with step("another version than the declared one is a warning"):
        plain.configure(operator={"enabled": False, "version": "1.13.0"})
        done = plain.pulumi("preview", "--expect-no-changes")
        assert done.code == 0, done.output
        assert "is 1.13.0, but the cluster runs operator 1.7.0" in done.output

    with step("a job in a namespace that is not watched is refused"):
        plain.configure(jobs={"orders": {"namespace": "other"}}, operator={"enabled": False, "version": "1.13.0"})
        done = plain.pulumi("up", "--skip-preview")
        assert done.code != 0
        assert '"other" is not watched by the operator in flink-operator, which watches default, team-b' in done.output
        assert plain.kubectl.items("flinkdeployments", "-n", "other") == []


def test_monitors_are_compared_with_the_cluster(plain: Plain):
    plain.write("orders", None)
    plain.configure(prometheus={"enabled": False})
    done = plain.pulumi("preview")
    assert "the cluster has no Prometheus operator" in done.output
