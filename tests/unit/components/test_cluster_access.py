"""The program's own requests: the operator that exists in the cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pulumi
import pytest
from aiohttp import web

from components.cluster_access import existing_operator
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
