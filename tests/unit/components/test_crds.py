"""CRDs that follow the operator: what is created, updated or kept, which chart is read, and how they are applied."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pulumi
import pytest
from aiohttp import web

from flink_k8s.components.crds import FLINK_VERSION as MARK
from flink_k8s.components.crds import PROMETHEUS_VERSION, CrdUpdater, chart_options, decide, own_fields
from flink_k8s.health.api_server import ApiServer
from tests.unit.health.listening import listening

NAME = "flinkdeployments.flink.apache.org"


def definition(*fields: str, mark: str | None = None, **pod_template: Any) -> dict[str, Any]:
    """A CRD with those fields in its spec."""
    properties: dict[str, Any] = {field: {"type": "string"} for field in fields}
    properties["podTemplate"] = {"properties": {name: {} for name in pod_template}}
    schema = {"properties": {"spec": {"properties": properties}, "list": {"items": {"properties": {"x": {}}}}}}
    metadata: dict[str, Any] = {"name": NAME, "annotations": {MARK: mark} if mark else None}
    versions = [{"name": "v1beta1", "schema": {"openAPIV3Schema": schema}}]
    return {"kind": "CustomResourceDefinition", "metadata": metadata, "spec": {"versions": versions}}


@pytest.mark.parametrize(
    ("existing", "version", "decision"),
    [
        (None, "1.16.1", "create"),
        (definition("a", mark="1.7.0"), "1.16.1", "update"),
        # As numbers: 1.9 is older than 1.10.
        (definition("a", mark="1.9.0"), "1.10.0", "update"),
        (definition("a", mark="1.10.0"), "1.9.0", "keep"),
        (definition("a", mark="1.16.1"), "1.16.1", "update"),
        (definition("a", mark="1.16.1"), "1.16.0", "keep"),
        (definition("a", mark="1.16.1"), "v1.17.0-SNAPSHOT", "update"),
        # A version that is marked decides, whatever the fields are.
        (definition("a", "gone", mark="1.7.0"), "1.16.1", "update"),
        # Without a mark: more of Flink's fields is newer.
        (definition("a"), "1.16.1", "update"),
        (definition("a", "newer"), "1.16.1", "keep"),
        (definition("a", "newer", mark="main"), "1.16.1", "keep"),
        (definition("a", "newer", mark="1.7.0"), "main", "keep"),
        # A difference in fields of pods has no meaning: Kubernetes removes some.
        (definition("a", resourceClaims=1), "1.16.1", "update"),
    ],
)
def test_crds_of_a_newer_operator_are_kept(existing: dict[str, Any] | None, version: str, decision: str):
    assert decide(definition("a", "b", mark=version), existing, MARK) == decision


@pytest.mark.parametrize(("live", "decision"), [("0.94.1", "update"), ("0.95.1", "update"), ("0.96.0", "keep")])
def test_crds_of_prometheus_are_compared_by_the_version_of_their_chart(live: str, decision: str):
    declared, deployed = ({"metadata": {"annotations": {PROMETHEUS_VERSION: version}}} for version in ("0.95.1", live))
    assert decide(declared, deployed, PROMETHEUS_VERSION) == decision


def test_own_fields_exclude_pod_templates():
    assert own_fields(definition("a", volumes=1)) == {
        "v1beta1.spec", "v1beta1.spec.a", "v1beta1.spec.podTemplate", "v1beta1.list", "v1beta1.list.*.x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("release", "options"),
    [
        (
            {"chart": "operator", "version": "1.0", "repositoryOpts": {"repo": "https://charts.example.org"}},
            {"chart": "operator", "version": "1.0", "fetch_opts": {"repo": "https://charts.example.org"}},
        ),
        (
            {"chart": "oci://registry.example.org/operator", "version": "1.0", "repositoryOpts": None},
            {"chart": "oci://registry.example.org/operator", "version": "1.0"},
        ),
        ({"chart": "charts/operator-1.0.tgz"}, {"chart": "operator-1.0.tgz", "path": str(Path.cwd() / "charts")}),
    ],
)
def test_chart_options_name_the_source_of_the_release(release: dict[str, Any], options: dict[str, Any]):
    assert chart_options(release, "o") == {**options, "release_name": "o"}


class RecordingUpdater(CrdUpdater):
    """Records the CRDs that it would apply."""

    applied: ClassVar[list[Any]] = []

    async def apply(self, crds: list[Mapping[str, Any]]) -> None:
        self.applied.append(crds)


@pytest.mark.parametrize(
    ("old", "new", "follows"),
    [
        (None, {"chart": "c", "version": "1", "repositoryOpts": {"repo": "r"}}, True),
        (
            {"chart": "c", "version": "1", "repositoryOpts": {"repo": "r"}, "values": 1},
            {"chart": "c", "version": "1", "repositoryOpts": {"repo": "r"}, "values": 2},
            False,
        ),
        (
            {"chart": "c", "version": "1", "repositoryOpts": {"repo": "r"}},
            {"chart": "c", "version": "2", "repositoryOpts": {"repo": "r"}},
            True,
        ),
        # A local chart may have other content under the same path.
        ({"chart": "./c"}, {"chart": "./c"}, True),
    ],
)
def test_a_changed_value_does_not_read_the_chart(monkeypatch: pytest.MonkeyPatch, old: Any, new: Any, follows: bool):
    async def invoke(token: str, arguments: dict[str, str], _: object) -> object:
        assert token == "kubernetes:helm:template"
        options = json.loads(arguments["jsonOpts"])
        assert (options["release_name"], options["values"]) == ("operator", {"key": new.get("values", 0)})
        return {"result": [{"kind": "ConfigMap"}, definition("a")]}

    monkeypatch.setattr(pulumi.runtime, "invoke_async", invoke)
    updater = RecordingUpdater(ApiServer(None, "none"), "operator", {}, MARK, None)
    updater.applied.clear()
    inputs = {**new, "name": "operator", "values": {"key": new.get("values", 0)}}
    args = pulumi.ResourceHookArgs("urn", "", "main-operator", "type", new_inputs=inputs, old_inputs=old)
    asyncio.run(updater._before(args))
    assert updater.applied == ([[definition("a")]] if follows else [])


def test_a_chart_without_crds_is_an_error(monkeypatch: pytest.MonkeyPatch):
    async def invoke(*_: object) -> object:
        return {"result": [{"kind": "ConfigMap"}]}

    monkeypatch.setattr(pulumi.runtime, "invoke_async", invoke)
    args = pulumi.ResourceHookArgs("urn", "", "operator", "type", new_inputs={"chart": "./c", "name": "operator"})
    with pytest.raises(pulumi.RunError, match=r"chart \./c contains no CRDs"):
        asyncio.run(CrdUpdater.of_flink(ApiServer(None, "none"), "1.16.1", None)._before(args))
    # The values of kube-prometheus-stack can disable its CRDs.
    asyncio.run(CrdUpdater.of_prometheus(ApiServer(None, "none"), "92.1.0", None)._before(args))


class Server:
    """A fake API server; its CRDs are established at the second request."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.patches: list[dict[str, Any]] = []
        self.refuses = False

    async def get(self, request: web.Request) -> web.Response:
        resources = self.objects.get(request.match_info["name"])
        if resources is None:
            return web.json_response({"message": "not found"}, status=404)
        answer = web.json_response(resources)
        self.objects[NAME] = {**resources, "status": {"conditions": [{"type": "Established", "status": "True"}]}}
        return answer

    async def patch(self, request: web.Request) -> web.Response:
        if self.refuses:
            return web.json_response({"message": "crds are forbidden to you"}, status=403)
        assert request.content_type == "application/apply-patch+yaml"
        assert request.query["fieldManager"] == "flink-k8s"
        assert request.query["force"] == "True"
        body = json.loads(await request.text())
        self.patches.append(body)
        self.objects[NAME] = body
        return web.json_response(body, status=201)


def applied(tmp_path: Path, server: Server, version: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The log messages when a CRD is applied."""
    messages: list[str] = []
    monkeypatch.setattr(
        pulumi, "log", SimpleNamespace(info=messages.append, warn=lambda text: messages.append(f"! {text}"))
    )

    async def play() -> None:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        async with listening(tmp_path, [web.get(path, server.get), web.patch(path, server.patch)]) as api_server:
            await CrdUpdater.of_flink(api_server, version, None).apply([definition("a", "b")])

    asyncio.run(play())
    return messages


def test_crds_are_applied_with_the_version_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server = Server()
    assert applied(tmp_path, server, "1.7.0", monkeypatch) == [f"CRDs of operator 1.7.0: {NAME} created"]
    assert applied(tmp_path, server, "1.16.1", monkeypatch) == [f"CRDs of operator 1.16.1: {NAME} updated"]
    assert server.objects[NAME]["metadata"]["annotations"] == {MARK: "1.16.1"}
    [actual] = applied(tmp_path, server, "1.7.0", monkeypatch)
    assert actual.startswith(f"! CRD {NAME} is not changed")
    assert len(server.patches) == 2


def test_an_error_of_the_api_server_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server = Server()
    server.refuses = True
    with pytest.raises(pulumi.RunError, match="cannot be applied: crds are forbidden to you"):
        applied(tmp_path, server, "1.16.1", monkeypatch)
