"""The version of an operator that exists in the cluster, by the image of its Deployment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.operator_version import deployed_version
from tests.unit.health.listening import listening


def read_version(folder: Path, image: str | None) -> str | None:
    """The version in a cluster whose operator has the image; None without an operator."""

    async def deployment(_: web.Request) -> web.Response:
        if image is None:
            return web.json_response({"message": "not found"}, status=404)
        containers = [{"image": "registry.example.org/proxy:9.9.9"}, {"image": image}]
        return web.json_response({"spec": {"template": {"spec": {"containers": containers}}}})

    async def play() -> str | None:
        path = "/apis/apps/v1/namespaces/flink-operator/deployments/flink-kubernetes-operator"
        async with listening(folder, [web.get(path, deployment)]) as api_server:
            return await deployed_version(api_server, "flink-operator")

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("ghcr.io/apache/flink-kubernetes-operator:1.10.0", "1.10.0"),
        ("registry.example.org:5000/mirror/flink-kubernetes-operator:v1.13.0-vendor1", "1.13.0-vendor1"),
        ("ghcr.io/apache/flink-kubernetes-operator:main", None),
        ("ghcr.io/apache/flink-kubernetes-operator@sha256:0123", None),
        (None, None),
    ],
)
def test_version_is_the_tag_of_the_operators_image(tmp_path: Path, image: str | None, version: str | None) -> None:
    assert read_version(tmp_path, image) == version


def test_without_a_kubeconfig_the_version_is_unknown(tmp_path: Path) -> None:
    assert asyncio.run(deployed_version(ApiServer(str(tmp_path / "missing"), "none"), "flink-operator")) is None
