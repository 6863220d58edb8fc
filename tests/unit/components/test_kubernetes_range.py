"""The warning about a version of Kubernetes that a chart does not support."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from flink_k8s.components.kubernetes_range import range_message
from flink_k8s.facts.versions import CERT_MANAGER, KUBERNETES, OPERATOR, PROMETHEUS, Chart
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.cluster_version import cluster_version
from tests.unit.health.listening import listening


@pytest.mark.parametrize(
    ("version", "cluster", "warning"),
    [
        ("v1.21.2", "v1.33.0", ""),
        ("v1.21.2", "v1.36.9-eks-1b2c3d4", ""),
        ("v1.20.1", "v1.32.1", ""),
        ("v1.21.2", "", ""),
        ("v1.22.0", "v1.20.0", ""),
        (
            "v1.21.2",
            "v1.32.7",
            "the cluster runs Kubernetes 1.32, and cert-manager v1.21.2 supports 1.33 to 1.36; upgrade the cluster, "
            "or use an older chart",
        ),
        (
            "v1.21.2",
            "v1.37.0",
            "the cluster runs Kubernetes 1.37, and cert-manager v1.21.2 supports 1.33 to 1.36; use a newer chart",
        ),
    ],
)
def test_warning_of_a_chart_with_a_range(version: str, cluster: str, warning: str) -> None:
    assert range_message(CERT_MANAGER, version, cluster) == warning


def test_a_chart_without_a_newest_version() -> None:
    assert range_message(PROMETHEUS, PROMETHEUS.version, "v1.99.0") == ""
    assert "supports 1.25 and newer; upgrade the cluster" in range_message(PROMETHEUS, PROMETHEUS.version, "v1.24.0")


def test_a_chart_without_a_range() -> None:
    assert range_message(OPERATOR, OPERATOR.version, "v1.10.0") == ""


@pytest.mark.parametrize("chart", [CERT_MANAGER, PROMETHEUS])
def test_default_versions_have_a_range(chart: Chart) -> None:
    assert any(chart.name == item.chart and chart.version.startswith(item.release) for item in KUBERNETES)


def test_version_of_a_cluster(tmp_path: Path) -> None:
    async def version(_: web.Request) -> web.Response:
        return web.json_response({"major": "1", "minor": "34+", "gitVersion": "v1.34.4"})

    async def play() -> str:
        async with listening(tmp_path, [web.get("/version", version)]) as api_server:
            return await cluster_version(api_server)

    assert asyncio.run(play()) == "v1.34.4"


def test_without_a_cluster_the_version_is_empty(tmp_path: Path) -> None:
    assert asyncio.run(cluster_version(ApiServer(str(tmp_path / "missing"), "none"))) == ""
