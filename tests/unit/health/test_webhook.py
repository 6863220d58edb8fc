"""The wait for the operator's webhook ends when the API server reaches it, or after a timeout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pulumi
import pytest
from aiohttp import web

from flink_k8s.health.webhook import Webhook
from tests.unit.health.listening import listening

CALL = 'Internal error occurred: failed calling webhook "validationwebhook.flink.apache.org": failed to call webhook: '
UNKNOWN = f"{CALL}tls: failed to verify certificate: x509: certificate signed by unknown authority"
REFUSED = f"{CALL}dial tcp 10.0.0.1:9443: connect: connection refused"


class Server:
    """Answers with one status and message after the other, the last one again and again."""

    def __init__(self, answers: Iterable[tuple[int, str]]) -> None:
        self.answers = list(answers)
        self.asked: list[web.Request] = []
        self.bodies: list[dict[str, object]] = []

    async def post(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        self.bodies.append(json.loads(await request.read()))
        status, message = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response({"message": message}, status=status)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi, "log", SimpleNamespace(info=lines.append))
    monkeypatch.setattr("flink_k8s.health.webhook._TRIES_SECONDS", 0.01)
    return lines


def waited(server: Server, folder: Path, seconds: float = 30) -> None:
    async def play() -> None:
        routes = [web.post("/{path:.*}", server.post)]
        async with listening(folder, routes) as api_server:
            await Webhook(api_server, "flink-operator", "team-a", seconds).wait()

    asyncio.run(play())


def test_webhook_is_polled_until_it_responds_and_each_reason_is_logged_once(
    tmp_path: Path, messages: list[str]
) -> None:
    server = Server([(500, REFUSED), (500, UNKNOWN), (500, UNKNOWN), (201, "")])
    waited(server, tmp_path)
    assert len(server.asked) == 4
    assert messages == [f"the operator's webhook does not answer yet: {why}" for why in (REFUSED, UNKNOWN)]


def test_webhook_is_polled_with_a_dry_run(tmp_path: Path, messages: list[str]) -> None:
    server = Server([(201, "")])
    waited(server, tmp_path)
    [requests] = server.asked
    assert requests.path == "/apis/flink.apache.org/v1beta1/namespaces/team-a/flinkdeployments"
    assert requests.query["dryRun"] == "All"
    assert (server.bodies[0]["apiVersion"], server.bodies[0]["kind"]) == (
        "flink.apache.org/v1beta1",
        "FlinkDeployment",
    )
    assert messages == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, 'admission webhook "validationwebhook.flink.apache.org" denied the request: Flink Version must be set'),
        (403, 'flinkdeployments is forbidden: User "ci" cannot create resource "flinkdeployments"'),
        (403, "exceeded quota: flink-quota"),
        (404, "the server could not find the requested resource"),
        (422, "spec: Required value"),
        (500, "etcdserver: request timed out"),
    ],
)
def test_every_other_answer_is_the_jobs_own_to_hear(
    tmp_path: Path, messages: list[str], status: int, message: str
) -> None:
    server = Server([(status, message)])
    waited(server, tmp_path)
    assert len(server.asked) == 1


def test_webhook_timeout_reports_the_error_of_the_api_server_and_a_remedy(tmp_path: Path, messages: list[str]) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        waited(Server([(500, UNKNOWN)]), tmp_path, seconds=2)
    words = str(raised.value)
    assert words.startswith("the operator's webhook does not answer after 2 s, so no job can be created or changed")
    assert UNKNOWN in words
    assert "kubectl logs -n flink-operator deployment/flink-kubernetes-operator -c flink-webhook" in words


def test_unreachable_cluster_is_reported(tmp_path: Path, messages: list[str]) -> None:
    async def play() -> None:
        async with listening(tmp_path, []) as api_server:
            pass
        await Webhook(api_server, "flink-operator", "team-a").wait()

    with pytest.raises(pulumi.RunError, match=r"could not query the operator.s webhook: Cannot connect"):
        asyncio.run(play())
