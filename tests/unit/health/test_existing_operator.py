"""The operator that exists in the cluster, read from its Deployment and its ConfigMap."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.existing_operator import read_operator
from flink_k8s.resolve.existing_operator import ExistingOperator
from tests.unit.health.listening import listening

DEPLOYMENT = "/apis/apps/v1/namespaces/flink-operator/deployments/flink-kubernetes-operator"
CONFIG_MAP = "/api/v1/namespaces/flink-operator/configmaps/flink-operator-config"
IMAGE = "ghcr.io/apache/flink-kubernetes-operator:1.10.0"


def deployment(
    image: str = IMAGE,
    *,
    webhook: bool = True,
    label: str = "",
    key: str = "flink-conf.yaml",
    watch: str | None = None,
) -> dict[str, Any]:
    """The operator's Deployment as its chart creates it."""
    env = [] if watch is None else [{"name": "WATCH_NAMESPACES", "value": watch}]
    containers = [
        {"name": "proxy", "image": "registry.example.org/proxy:9.9.9"},
        {"name": "flink-kubernetes-operator", "image": image, "env": env},
        *([{"name": "flink-webhook", "image": image}] if webhook else []),
    ]
    volume = {"configMap": {"name": "flink-operator-config", "items": [{"key": key}]}}
    return {
        "metadata": {"labels": {"app.kubernetes.io/version": label}},
        "spec": {"template": {"spec": {"containers": containers, "volumes": [volume]}}},
    }


def read(folder: Path, answers: dict[str, Any]) -> tuple[ExistingOperator | None, str]:
    """The operator in a cluster that answers with these objects; 403 for an object that is a text."""

    async def answer(request: web.Request) -> web.Response:
        content = answers.get(request.path)
        if content is None:
            return web.json_response({"message": "not found"}, status=404)
        if isinstance(content, str):
            return web.json_response({"message": content}, status=403)
        return web.json_response(content)

    async def play() -> tuple[ExistingOperator | None, str]:
        async with listening(folder, [web.get("/{path:.*}", answer)]) as api_server:
            return await read_operator(api_server, "flink-operator")

    return asyncio.run(play())


def operator(folder: Path, data: dict[str, str] | None = None, **options: Any) -> ExistingOperator:
    """The operator of a Deployment with these options, and a ConfigMap with this data."""
    found, unread = read(folder, {DEPLOYMENT: deployment(**options), CONFIG_MAP: {"data": data or {}}})
    assert unread == ""
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("image", "label", "version"),
    [
        ("ghcr.io/apache/flink-kubernetes-operator:1.10.0", "", "1.10.0"),
        ("registry.example.org:5000/mirror/flink-kubernetes-operator:v1.13.0-vendor1", "", "1.13.0-vendor1"),
        ("ghcr.io/apache/flink-kubernetes-operator:main", "", None),
        ("ghcr.io/apache/flink-kubernetes-operator@sha256:0123", "1.12.1", "1.12.1"),
        ("ghcr.io/apache/flink-kubernetes-operator:1.10.0", "1.12.1", "1.10.0"),
        ("registry.example.org/vendor/operator:7", "main", None),
    ],
)
def test_version_is_the_tag_of_the_image_or_the_label(
    tmp_path: Path, image: str, label: str, version: str | None
) -> None:
    assert operator(tmp_path, image=image, label=label).version == version


@pytest.mark.parametrize("webhook", [True, False])
def test_webhook_is_a_container(tmp_path: Path, webhook: bool) -> None:
    assert operator(tmp_path, webhook=webhook).has_webhook is webhook


def test_flink_conf_yaml_has_plain_values(tmp_path: Path) -> None:
    lines = "# a comment: no\ntaskmanager.numberOfTaskSlots: 1\nenv.java.opts: -Da=b: c\nbroken\na: b # comment\n"
    assert operator(tmp_path, {"flink-conf.yaml": lines, "config.yaml": "other: 1"}).configuration == {
        "taskmanager.numberOfTaskSlots": "1",
        "env.java.opts": "-Da=b: c",
        "a": "b",
    }


def test_config_yaml_is_flattened(tmp_path: Path) -> None:
    data = {
        "config.yaml": 'kubernetes:\n  operator: {reconcile.interval: 15 s}\na.b: "true"\n',
        "flink-conf.yaml": "c: 1",
    }
    assert operator(tmp_path, data, key="config.yaml").configuration == {
        "kubernetes.operator.reconcile.interval": "15 s",
        "a.b": "true",
    }


def test_an_invalid_config_yaml_is_empty(tmp_path: Path) -> None:
    assert operator(tmp_path, {"config.yaml": "a: ["}, key="config.yaml").configuration == {}


WATCHED = "kubernetes.operator.watched.namespaces: team-a, team-b"


@pytest.mark.parametrize(
    ("conf", "variable", "watched"),
    [
        ("", None, set()),
        (WATCHED, None, {"team-a", "team-b"}),
        (WATCHED, "team-c", {"team-c"}),
        (WATCHED, " ", {"team-a", "team-b"}),
        ("kubernetes.operator.watched.namespaces: JOSDK_ALL_NAMESPACES", None, set()),
    ],
)
def test_watched_namespaces_are_those_of_the_variable_or_the_option(
    tmp_path: Path, conf: str, variable: str | None, watched: set[str]
) -> None:
    found = operator(tmp_path, {"flink-conf.yaml": conf}, watch=variable)
    assert found.watched == watched
    assert found.watches("team-a") is (not watched or "team-a" in watched)


def test_without_rights_for_the_configmap_the_rest_is_known(tmp_path: Path) -> None:
    found, unread = read(tmp_path, {DEPLOYMENT: deployment(), CONFIG_MAP: "configmaps is forbidden"})
    assert found is not None
    assert (found.version, found.configuration, found.watched) == ("1.10.0", None, frozenset())
    assert unread == "the configuration and the watched namespaces of the operator: configmaps is forbidden"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "the operator: the namespace flink-operator has no Deployment flink-kubernetes-operator"),
        ({DEPLOYMENT: "deployments is forbidden"}, "the operator: deployments is forbidden"),
    ],
)
def test_an_operator_that_cannot_be_read_has_a_reason(tmp_path: Path, answers: dict[str, Any], reason: str) -> None:
    assert read(tmp_path, answers) == (None, reason)


def test_without_a_kubeconfig_the_operator_is_unknown(tmp_path: Path) -> None:
    found, unread = asyncio.run(read_operator(ApiServer(str(tmp_path / "missing"), "none"), "flink-operator"))
    assert found is None
    assert "could not configure the Kubernetes client" in unread
