"""The program's own requests: the operator and the Prometheus that exist in the cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from aiohttp import web

from flink_k8s.components.cluster_access import ClusterAccess, existing_operator
from flink_k8s.config.model import StackSettings
from flink_k8s.resolve.existing_operator import ExistingOperator
from tests.unit.health.listening import listening


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of the program."""
    messages: list[str] = []
    monkeypatch.setattr(pulumi, "log", SimpleNamespace(warn=messages.append))
    return messages


def read(folder: Path) -> ExistingOperator | None:
    """The operator of a stack, in a cluster whose ConfigMaps the user must not read."""

    async def deployment(_: web.Request) -> web.Response:
        containers = [{"image": "ghcr.io/apache/flink-kubernetes-operator:1.10.0"}]
        return web.json_response({"spec": {"template": {"spec": {"containers": containers}}}})

    async def refused(_: web.Request) -> web.Response:
        return web.json_response({"message": "configmaps is forbidden"}, status=403)

    async def play() -> ExistingOperator | None:
        path = "/apis/apps/v1/namespaces/flink-operator/deployments/flink-kubernetes-operator"
        async with listening(folder, [web.get(path, deployment), web.get("/{path:.*}", refused)]) as api_server:
            settings = {"context": api_server.context, "kubeconfig": api_server.kubeconfig}
            return await asyncio.to_thread(existing_operator, StackSettings.model_validate(settings))

    return asyncio.run(play())


def test_what_cannot_be_read_is_a_warning(tmp_path: Path, warnings: list[str]) -> None:
    operator = read(tmp_path)
    assert operator is not None
    assert operator.version == "1.10.0"
    assert warnings == [
        "could not read the configuration and the watched namespaces of the operator: configmaps is forbidden; "
        "the jobs are not compared with it"
    ]


@pytest.mark.parametrize("variable", ["FLINK_K8S_WITHOUT_CLUSTER", "FLINK_K8S_DESTROY"])
def test_without_a_cluster_and_before_a_destroy_nothing_is_read(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert read(tmp_path) is None
    assert warnings == []


GROUP = "/apis/monitoring.coreos.com/v1"


def compare(folder: Path, answers: dict[str, Any], *, enabled: bool = False) -> None:
    """Compare the monitors of a stack with a cluster that answers with these objects."""

    async def answer(request: web.Request) -> web.Response:
        status = 200 if request.path in answers else 404
        return web.json_response(answers.get(request.path, {}), status=status)

    async def play() -> None:
        async with listening(folder, [web.get("/{path:.*}", answer)]) as api_server:
            settings = {"context": api_server.context, "prometheus": {"enabled": enabled}}
            access = ClusterAccess(api_server.context, api_server.kubeconfig)
            await asyncio.to_thread(access.compare_prometheus, StackSettings.model_validate(settings))

    asyncio.run(play())


def test_monitors_that_prometheus_does_not_select_are_warnings(tmp_path: Path, warnings: list[str]) -> None:
    spec: dict[str, Any] = {"podMonitorSelector": {"matchLabels": {"release": "monitoring"}}}
    spec |= {"podMonitorNamespaceSelector": {}, "ruleSelector": {}, "ruleNamespaceSelector": {}}
    item = {"metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": spec}
    compare(tmp_path, {GROUP: {"resources": [{}]}, f"{GROUP}/prometheuses": {"items": [item]}})
    assert warnings == [
        "prometheus: the PodMonitor in flink-operator, flink, cert-manager is not selected: podMonitorSelector of "
        "Prometheus monitoring/k8s requires the labels release: monitoring; set prometheus.labels [unmonitored-job]"
    ]


def test_a_cluster_without_a_prometheus_operator_is_a_warning(tmp_path: Path, warnings: list[str]) -> None:
    compare(tmp_path, {})
    [warning] = warnings
    assert "set prometheus.monitors: false, or install the operator" in warning


def test_a_prometheus_of_the_stack_is_not_compared(tmp_path: Path, warnings: list[str]) -> None:
    compare(tmp_path, {}, enabled=True)
    assert warnings == []
