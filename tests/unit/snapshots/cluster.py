"""An API server with Flink resources, whose pods list files: they end with a given log."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from flink_k8s.health.api_server import ApiServer
from tests.unit.health.listening import listening

_FLINK = "/apis/flink.apache.org/v1beta1/namespaces/{namespace}"
_PODS = "/api/v1/namespaces/{namespace}/pods"
_POLICIES = "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"


def listed(*rows: str) -> str:
    """The log of a pod, with the output of other programs around it."""
    lines = [f"flink-k8s\t{row}" for row in rows]
    return "\n".join(["SLF4J: a warning", *lines, "INFO another line", ""])


def snapshot_row(time: int, path: str, size: int = 10) -> str:
    return f"snapshot\t{time * 1000}\t{size}\t{path}"


def status(name: str = "word-count", **job_status: Any) -> dict[str, Any]:
    """A FlinkDeployment of the cluster, by the `jobStatus` of its operator."""
    return {"metadata": {"name": name}, "status": {"jobStatus": job_status}}


def state_snapshot(name: str, path: str, time: str, job: str = "word-count", **spec: Any) -> dict[str, Any]:
    """A completed FlinkStateSnapshot."""
    reference = {"kind": "FlinkDeployment", "name": job}
    return {
        "metadata": {"name": name},
        "spec": {"jobReference": reference, "savepoint": {}, **spec},
        "status": {"state": "COMPLETED", "path": path, "triggerTimestamp": time},
    }


class Cluster:
    """The content of an API server, and the requests that it has got.

    Attributes:
        objects: Flink resources by `plural/name`; without a list of a kind, the kind does not exist.
        log: of every pod that lists files.
        refusal: the message with which the API server refuses pods; empty to accept them.
        pods: the created pods.
        policies: the created NetworkPolicies.
        deleted: names of the deleted pods and policies.
        reads: number of reads of single Flink resources.
        initializing: number of lists of FlinkStateSnapshots that the API server refuses at first, for a new CRD.
    """

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, Any]] | None = None,
        snapshots: Sequence[Mapping[str, Any]] | None = (),
        log: str = "",
        refusal: str = "",
    ) -> None:
        self.objects = dict(objects or {})
        self.snapshots = snapshots
        self.log = log
        self.refusal = refusal
        self.pods: list[dict[str, Any]] = []
        self.policies: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.reads = 0
        self.initializing = 0

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncGenerator[ApiServer]:
        routes = [
            web.get(f"{_FLINK}/{{plural}}/{{name}}", self._one),
            web.get(f"{_FLINK}/flinkstatesnapshots", self._snapshots),
            web.get(f"{_FLINK}/{{plural}}", self._all),
            web.post(_PODS, self._create),
            web.get(f"{_PODS}/{{name}}", self._pod),
            web.get(f"{_PODS}/{{name}}/log", self._log),
            web.delete(f"{_PODS}/{{name}}", self._delete),
            web.post(_POLICIES, self._create_policy),
            web.delete(f"{_POLICIES}/{{name}}", self._delete),
        ]
        async with listening(folder, routes) as api_server:
            yield api_server

    async def _one(self, request: web.Request) -> web.Response:
        self.reads += 1
        resources = self.objects.get(f"{request.match_info['plural']}/{request.match_info['name']}")
        return web.json_response(resources) if resources else _refused(404, "not found")

    async def _all(self, request: web.Request) -> web.Response:
        prefix = f"{request.match_info['plural']}/"
        return web.json_response({"items": [item for key, item in self.objects.items() if key.startswith(prefix)]})

    async def _snapshots(self, _: web.Request) -> web.Response:
        if self.initializing:
            self.initializing -= 1
            return _refused(429, "storage is (re)initializing")
        return _refused(404, "no kind") if self.snapshots is None else web.json_response({"items": self.snapshots})

    async def _create(self, request: web.Request) -> web.Response:
        if self.refusal:
            return _refused(403, self.refusal)
        pod = await request.json()
        pod["metadata"]["name"] = f"{pod['metadata']['generateName']}{len(self.pods)}"
        self.pods.append(pod)
        return web.json_response(pod)

    async def _create_policy(self, request: web.Request) -> web.Response:
        policy = await request.json()
        policy["metadata"]["name"] = "policy"
        self.policies.append(policy)
        return web.json_response(policy)

    async def _pod(self, request: web.Request) -> web.Response:
        [pod] = [pod for pod in self.pods if pod["metadata"]["name"] == request.match_info["name"]]
        return web.json_response({**pod, "status": {"phase": "Succeeded"}})

    async def _log(self, _: web.Request) -> web.Response:
        return web.Response(text=self.log)

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["name"])
        return web.json_response({"kind": "Status"})


def _refused(code: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=code)
