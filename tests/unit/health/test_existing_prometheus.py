"""The Prometheus objects that exist in the cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.existing_prometheus import ExistingPrometheus, read_prometheus
from tests.unit.health.listening import listening

GROUP = "/apis/monitoring.coreos.com"
KINDS = {f"{GROUP}/v1": {"resources": [{"name": "prometheuses"}]}}
NAMESPACES = {"/api/v1/namespaces": {"items": [{"metadata": {"name": "flink", "labels": {"team": "a"}}}]}}


def named(name: str) -> dict[str, Any]:
    return {"items": [{"metadata": {"name": name}, "spec": {}}]}


def read(folder: Path, answers: dict[str, Any]) -> ExistingPrometheus:
    """What is read from a cluster that answers with these objects; 403 for an object that is a text."""

    async def answer(request: web.Request) -> web.Response:
        content = answers.get(request.path)
        if content is None:
            return web.json_response({"message": "not found"}, status=404)
        if isinstance(content, str):
            return web.json_response({"message": content}, status=403)
        return web.json_response(content)

    async def play() -> ExistingPrometheus:
        async with listening(folder, [web.get("/{path:.*}", answer)]) as api_server:
            return await read_prometheus(api_server)

    return asyncio.run(play())


def test_selecting_objects_have_their_kind_and_namespaces_their_labels(tmp_path: Path) -> None:
    objects = {f"{GROUP}/v1/prometheuses": named("k8s"), f"{GROUP}/v1alpha1/prometheusagents": named("agent")}
    existing = read(tmp_path, {**KINDS, **NAMESPACES, **objects})
    assert [item["kind"] for item in existing.selecting] == ["Prometheus", "PrometheusAgent"]
    assert existing.namespaces == {"flink": {"team": "a"}}
    assert not existing.unread
    assert existing.serves_monitors


def test_a_cluster_without_a_prometheus_operator(tmp_path: Path) -> None:
    assert read(tmp_path, NAMESPACES) == ExistingPrometheus(serves_monitors=False)


def test_refused_requests_are_reported(tmp_path: Path) -> None:
    refused = "namespaces is forbidden"
    existing = read(tmp_path, {**KINDS, f"{GROUP}/v1/prometheuses": named("k8s"), "/api/v1/namespaces": refused})
    assert len(existing.selecting) == 1
    assert existing.unread == [refused]


def test_without_a_kubeconfig_nothing_is_known(tmp_path: Path) -> None:
    existing = asyncio.run(read_prometheus(ApiServer(str(tmp_path / "missing"), "none")))
    assert existing.serves_monitors
    assert "could not configure the Kubernetes client" in existing.unread[0]
