"""Which of a stack's objects exist in the cluster, by one list request for each kind and namespace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.existing_objects import RELEASE_API, Existing, ObjectKey, existing_objects
from tests.unit.health.listening import listening

ROLES = "/apis/rbac.authorization.k8s.io/v1"
ROLE_API = "rbac.authorization.k8s.io/v1"


def applied(name: str, /, *managers: str, **labels: str) -> dict[str, Any]:
    """An object with its field managers, as a list of metadata contains it."""
    return {"metadata": {"name": name, "labels": labels, "managedFields": [{"manager": item} for item in managers]}}


ANSWERS: dict[str, Any] = {
    "/api/v1": {
        "resources": [
            {"name": "namespaces", "kind": "Namespace"},
            {"name": "namespaces/status", "kind": "Namespace"},
            {"name": "secrets", "kind": "Secret"},
        ]
    },
    "/api/v1/namespaces": {"items": [applied("team-a", "kubectl-create"), applied("default")]},
    ROLES: {"resources": [{"name": "roles", "kind": "Role"}]},
    f"{ROLES}/namespaces/team-a/roles": {
        "items": [
            applied("flink", "helm", "pulumi-kubernetes-1a2b3c4d"),
            applied("labelled", **{"app.kubernetes.io/managed-by": "pulumi"}),
        ]
    },
    "/api/v1/namespaces/team-a/secrets": {
        "items": [applied("sh.helm.release.v1.operator.v3", "helm", name="operator", owner="helm")]
    },
}
FORBIDDEN = f"{ROLES}/namespaces/team-b/roles"


def find(folder: Path, *keys: ObjectKey) -> tuple[dict[ObjectKey, Existing], list[str], list[str]]:
    """The existing objects, the kinds that could not be listed, and the requested paths, in a small cluster."""
    requested: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path)
        if request.path == FORBIDDEN:
            return web.json_response({"message": "roles is forbidden"}, status=403)
        if request.path not in ANSWERS:
            return web.json_response({"message": "not found"}, status=404)
        return web.json_response(ANSWERS[request.path])

    async def play() -> tuple[dict[ObjectKey, Existing], list[str]]:
        async with listening(folder, [web.get("/{path:.*}", answer)]) as api_server:
            return await existing_objects(api_server, keys)

    return *asyncio.run(play()), sorted(requested)


def role(name: str, namespace: str = "team-a") -> ObjectKey:
    return ObjectKey(ROLE_API, "Role", namespace, name)


def test_only_objects_of_the_same_name_exist(tmp_path: Path) -> None:
    namespace = ObjectKey("v1", "Namespace", "", "team-a")
    existing, unread, _ = find(tmp_path, namespace, ObjectKey("v1", "Namespace", "", "team-b"))
    assert existing == {namespace: Existing("kubectl-create", is_of_pulumi=False)}
    assert unread == []


def test_one_request_lists_all_objects_of_a_kind_and_namespace(tmp_path: Path) -> None:
    *_, requested = find(tmp_path, *(role(f"role-{number}") for number in range(50)))
    assert requested == [ROLES, f"{ROLES}/namespaces/team-a/roles"]


def test_objects_of_pulumi_are_recognised_by_manager_or_label(tmp_path: Path) -> None:
    existing, *_ = find(tmp_path, role("flink"), role("labelled"))
    assert existing == {
        role("flink"): Existing("helm", is_of_pulumi=True),
        role("labelled"): Existing("", is_of_pulumi=True),
    }


def test_a_release_is_found_by_its_secrets(tmp_path: Path) -> None:
    installed = ObjectKey(RELEASE_API, "Release", "team-a", "operator")
    existing, *_ = find(tmp_path, installed, ObjectKey(RELEASE_API, "Release", "team-a", "prometheus"))
    assert existing == {installed: Existing("helm", is_of_pulumi=False)}


def test_a_kind_that_the_cluster_does_not_have_has_no_objects(tmp_path: Path) -> None:
    monitor = ObjectKey("monitoring.coreos.com/v1", "PodMonitor", "team-a", "flink")
    existing, unread, requested = find(tmp_path, monitor, ObjectKey("v1", "Unknown", "team-a", "x"))
    assert (existing, unread) == ({}, [])
    assert requested == ["/api/v1", "/apis/monitoring.coreos.com/v1"]


def test_a_refused_request_is_reported_and_hides_no_other_object(tmp_path: Path) -> None:
    existing, unread, _ = find(tmp_path, role("flink", "team-b"), role("flink"))
    assert existing.keys() == {role("flink")}
    assert unread == ["Role in team-b: roles is forbidden"]


def test_without_access_nothing_is_known(tmp_path: Path) -> None:
    missing = ApiServer(str(tmp_path / "missing"), "none")
    existing, unread = asyncio.run(existing_objects(missing, [role("flink")]))
    assert existing == {}
    assert len(unread) == 1
    assert "could not configure the Kubernetes client" in unread[0]
