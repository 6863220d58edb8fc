"""The upload of a jar of the project: the pod, its standard input, and the result."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.store.jar_upload import upload
from flink_k8s.store.pod import StorePodError
from tests.unit.health.listening import listening
from tests.unit.project import JOB, Project

PODS = "/api/v1/namespaces/flink/pods"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/flink/networkpolicies"
CONTENT = bytes(range(256)) * 1000
"""More than one message."""


class Cluster:
    """An API server whose pods print a row, after they have read their input.

    Attributes:
        row: that a pod prints.
        reads: whether a pod reads its input; otherwise it has ended before.
        pods: the created pods.
        received: the input of a pod.
        deleted: names of deleted objects.
    """

    def __init__(self, row: str, *, reads: bool = True) -> None:
        self.row = row
        self.reads = reads
        self.pods: list[dict[str, Any]] = []
        self.received = b""
        self.deleted: list[str] = []
        self.has_ended = not reads

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncGenerator[ApiServer]:
        routes = [
            web.post(PODS, self._create),
            web.get(f"{PODS}/{{name}}", self._pod),
            web.get(f"{PODS}/{{name}}/log", self._log),
            web.get(f"{PODS}/{{name}}/attach", self._attach),
            web.delete(f"{PODS}/{{name}}", self._delete),
            web.post(POLICIES, self._create_policy),
            web.delete(f"{POLICIES}/{{name}}", self._delete),
        ]
        async with listening(folder, routes) as api_server:
            yield api_server

    async def _create(self, request: web.Request) -> web.Response:
        pod = await request.json()
        pod["metadata"]["name"] = "pod"
        self.pods.append(pod)
        return web.json_response(pod)

    async def _create_policy(self, request: web.Request) -> web.Response:
        policy = await request.json()
        policy["metadata"]["name"] = "policy"
        return web.json_response(policy)

    async def _pod(self, _: web.Request) -> web.Response:
        state: dict[str, Any] = {"terminated": {"exitCode": 0}} if self.has_ended else {"running": {}}
        required = {"image": "x", "imageID": "x", "ready": False, "restartCount": 0}
        statuses = [{"name": "flink-main-container", "state": state, **required}]
        return web.json_response({**self.pods[0], "status": {"phase": "Running", "containerStatuses": statuses}})

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        if not self.reads:
            return web.json_response({"message": "container not found"}, status=400)
        assert request.query["stdin"] == "True"
        socket = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await socket.prepare(request)
        while len(self.received) < int(self.pods[0]["spec"]["containers"][0]["args"][2]):
            message = await socket.receive_bytes()
            assert message[0] == 0
            self.received += message[1:]
        self.has_ended = True
        await socket.close()
        return socket

    async def _log(self, _: web.Request) -> web.Response:
        return web.Response(text=f"SLF4J: a warning\nflink-k8s\t{self.row}\n")

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["name"])
        return web.json_response({"kind": "Status"})


def declared(project: Project) -> tuple[Job, DeclaredStack]:
    (project.root / "orders.jar").write_bytes(CONTENT)
    project.job(JOB.replace("local:///opt/flink/job.jar", "orders.jar"))
    project.stack({"stateStorage": {"type": "s3", "uri": "s3p://bucket/flink"}})
    stack = project.load()
    return stack.jobs[0], stack


def uploaded(cluster: Cluster, folder: Path, job: Job, stack: DeclaredStack) -> bool:
    async def run() -> bool:
        async with cluster.serving(folder) as server, server.asked("failed") as client:
            assert job.jar_file is not None
            return await upload(client, job, job.jar_file, stack)

    return asyncio.run(run())


def test_pod_receives_the_jar(project: Project, tmp_path: Path) -> None:
    cluster = Cluster("stored")
    job, stack = declared(project)
    assert uploaded(cluster, tmp_path, job, stack)
    assert cluster.received == CONTENT
    [container] = cluster.pods[0]["spec"]["containers"]
    digest = hashlib.sha256(CONTENT).hexdigest()
    uri = f"s3p://bucket/flink/x/flink/word-count/jars/{digest[:16]}/orders.jar"
    assert container["args"] == ["StoreJar", uri, str(len(CONTENT)), digest]
    assert (container["stdin"], container["stdinOnce"], container["image"]) == (True, True, "pyflink:dev")
    assert cluster.deleted == ["pod", "policy"]


def test_jar_that_exists_is_not_sent(project: Project, tmp_path: Path) -> None:
    cluster = Cluster("exists", reads=False)
    assert not uploaded(cluster, tmp_path, *declared(project))
    assert cluster.received == b""


def test_failure_of_the_store_is_an_error_with_its_reason(project: Project, tmp_path: Path) -> None:
    cluster = Cluster("failed\tjava.io.IOException: no bucket")
    with pytest.raises(StorePodError, match=r"orders.jar cannot be uploaded to .*IOException: no bucket"):
        uploaded(cluster, tmp_path, *declared(project))
    assert cluster.deleted == ["pod", "policy"]
