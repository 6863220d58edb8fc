"""The pods of a release: an issue is reported once, and only if it lasts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.release_pods import ReleasePods
from tests.unit.health.listening import listening


def pod(name: str, reason: str, message: str) -> dict[str, Any]:
    waiting = {"reason": reason, "message": message}
    return {"metadata": {"name": name}, "status": {"containerStatuses": [{"state": {"waiting": waiting}}]}}


PULL = pod("webhook-1", "ImagePullBackOff", "Back-off pulling image")
PASSING = pod("cainjector-1", "CreateContainerConfigError", "secret not found")
DENIED = {
    "metadata": {"name": "controller"},
    "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: quota"}]},
}


def watched(
    folder: Path, answers: list[list[dict[str, Any]]], deployments: list[dict[str, Any]]
) -> tuple[list[str], list[str]]:
    """The reports and the shown texts after as many requests as there are answers with pods, and one more."""
    reported: list[str] = []
    shown: list[str] = []
    requests = 0
    finished = asyncio.Event()

    async def pods(_: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        if requests > len(answers) + 1:
            finished.set()
        return web.json_response({"items": answers[min(requests, len(answers)) - 1]})

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"items": deployments})

    async def play() -> None:
        routes = [
            web.get("/api/v1/namespaces/cert-manager/pods", pods),
            web.get("/apis/apps/v1/namespaces/cert-manager/deployments", listed),
        ]
        async with listening(folder, routes) as api_server:
            pods_of_release = ReleasePods(api_server, "cert-manager", reported.append, shown.append, 0.01)
            watch = asyncio.create_task(pods_of_release.watch())
            await finished.wait()
            watch.cancel()

    asyncio.run(asyncio.wait_for(play(), 30))
    return reported, shown


def reports(folder: Path, answers: list[list[dict[str, Any]]], deployments: list[dict[str, Any]]) -> list[str]:
    return watched(folder, answers, deployments)[0]


def test_lasting_issues_are_reported_once(tmp_path: Path) -> None:
    assert reports(tmp_path, [[PULL, PASSING], [PULL], [PULL]], []) == [
        "pod webhook-1: ImagePullBackOff: Back-off pulling image"
    ]


def test_refused_pods_are_reported(tmp_path: Path) -> None:
    assert reports(tmp_path, [[]], [DENIED]) == ["deployment controller: exceeded quota: quota"]


def test_the_number_of_ready_pods_is_shown(tmp_path: Path) -> None:
    ready = {"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    ended = {"metadata": {"name": "hook"}, "status": {"phase": "Succeeded"}}
    _, shown = watched(tmp_path, [[], [ready, PULL, PASSING, ended], [ready]], [])
    assert shown[:2] == ["1 of 3 pods are ready; not ready: cainjector-1, webhook-1", "1 of 1 pods are ready"]


def test_without_a_kubeconfig_nothing_is_reported(tmp_path: Path) -> None:
    unknown = ApiServer(str(tmp_path / "missing"), "none")
    asyncio.run(asyncio.wait_for(ReleasePods(unknown, "cert-manager", lambda _: None, lambda _: None).watch(), 30))
