"""The webhook's keystore with another password is deleted before the operator's release; the platform's own stays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from aiohttp import web

from flink_k8s.components.webhook_keystore import CERTIFICATE, PASSWORD_SECRET, OldKeystore
from tests.unit.health.listening import listening

CERTIFICATE_PATH = f"/apis/cert-manager.io/v1/namespaces/flink-operator/certificates/{CERTIFICATE}"
SECRET_PATH = "/api/v1/namespaces/flink-operator/secrets/webhook-server-cert"
OURS = {"name": PASSWORD_SECRET, "key": "password"}
DEFAULT = {"name": "flink-operator-webhook-secret", "key": "password"}
BY_CERT_MANAGER = {"cert-manager.io/certificate-name": CERTIFICATE}


def certificate(password: dict[str, str] | None) -> dict[str, Any]:
    keystores = {} if password is None else {"keystores": {"pkcs12": {"create": True, "passwordSecretRef": password}}}
    return {"metadata": {"name": CERTIFICATE}, "spec": keystores}


def secret(annotations: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "webhook-server-cert", "annotations": annotations}, "data": {}}


class Server:
    """Keeps the two objects, and what was done."""

    def __init__(self, objects: dict[str, dict[str, Any]]) -> None:
        self.objects = objects
        self.deleted: list[str] = []
        self.refuses: str | None = None

    async def get(self, request: web.Request) -> web.Response:
        resources = self.objects.get(request.path)
        return web.json_response(resources or {"message": "not found"}, status=200 if resources else 404)

    async def delete(self, request: web.Request) -> web.Response:
        if request.path == self.refuses:
            return web.json_response({"message": "that is forbidden to you"}, status=403)
        self.deleted.append(request.path)
        return web.json_response(self.objects.pop(request.path, {}), status=200)


def before_the_release(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of the hook."""
    message: list[str] = []
    monkeypatch.setattr(pulumi, "log", SimpleNamespace(info=message.append))

    async def play() -> None:
        routes = [web.get("/{path:.*}", server.get), web.delete("/{path:.*}", server.delete)]
        async with listening(tmp_path, routes) as api_server:
            await OldKeystore(api_server, "flink-operator")._before(pulumi.ResourceHookArgs("urn", "", "o", "type"))

    asyncio.run(play())
    return message


@pytest.mark.parametrize("password", [DEFAULT, {**OURS, "key": "other"}, None])
def test_a_keystore_with_another_password_is_deleted_after_its_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: dict[str, str] | None
) -> None:
    """First, for cert-manager would make the Secret again from a Certificate that is still there."""
    server = Server({CERTIFICATE_PATH: certificate(password), SECRET_PATH: secret(BY_CERT_MANAGER)})
    [message] = before_the_release(server, tmp_path, monkeypatch)
    assert server.deleted == [CERTIFICATE_PATH, SECRET_PATH]
    assert message == (
        "flink-operator/webhook-server-cert: deleted, because its keystore has another password; "
        "cert-manager creates it again"
    )
    assert before_the_release(server, tmp_path, monkeypatch) == []


def test_a_keystore_with_the_own_password_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({CERTIFICATE_PATH: certificate(OURS), SECRET_PATH: secret(BY_CERT_MANAGER)})
    assert before_the_release(server, tmp_path, monkeypatch) == []
    assert server.deleted == []


def test_an_interrupted_deletion_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({CERTIFICATE_PATH: certificate(DEFAULT), SECRET_PATH: secret(BY_CERT_MANAGER)})
    server.refuses = SECRET_PATH
    with pytest.raises(pulumi.RunError, match="old keystore cannot be deleted: that is forbidden to you"):
        before_the_release(server, tmp_path, monkeypatch)
    server.refuses = None
    assert len(before_the_release(server, tmp_path, monkeypatch)) == 1
    assert server.objects == {}


@pytest.mark.parametrize("objects", [{}, {SECRET_PATH: secret({})}])
def test_secrets_of_other_owners_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objects: dict[str, Any]
) -> None:
    server = Server(dict(objects))
    assert before_the_release(server, tmp_path, monkeypatch) == []
    assert (server.objects, server.deleted) == (objects, [])
