"""The warning about an operator that exists in the cluster in another version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pulumi
import pytest
from aiohttp import web

from components.cluster_access import ClusterAccess
from flink_k8s.config.model import OperatorSettings
from tests.unit.health.listening import listening


def warnings(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> list[str]:
    """The warnings about settings of the operator, in a cluster with operator 1.10.0."""
    messages: list[str] = []
    monkeypatch.setattr(pulumi, "log", SimpleNamespace(warn=messages.append))

    async def deployment(_: web.Request) -> web.Response:
        containers = [{"image": "ghcr.io/apache/flink-kubernetes-operator:1.10.0"}]
        return web.json_response({"spec": {"template": {"spec": {"containers": containers}}}})

    async def play() -> None:
        path = "/apis/apps/v1/namespaces/flink-operator/deployments/flink-kubernetes-operator"
        async with listening(folder, [web.get(path, deployment)]) as api_server:
            access = ClusterAccess(api_server.context, api_server.kubeconfig)
            await asyncio.to_thread(access.compare_operator, OperatorSettings.model_validate(settings))

    asyncio.run(play())
    return messages


def test_another_version_is_a_warning_with_the_line_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings(tmp_path, monkeypatch, enabled=False) == [
        "the cluster runs operator 1.10.0, and the jobs were checked for 1.16.1; set operator.version: 1.10.0"
    ]


def test_the_declared_version_is_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings(tmp_path, monkeypatch, enabled=False, version="1.10.0") == []


def test_an_operator_of_the_stack_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings(tmp_path, monkeypatch, enabled=True) == []
