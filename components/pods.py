"""What the pods of a namespace's jobs wait for, and what they had to say: asked once for all jobs that want to know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from components.refusal import is_waiting_for_workers, refused_worker, replica_failure
from components.verdict import Object, pod_trouble, python_error
from settings.job_spec import MAIN_CONTAINER

_REQUEST_SECONDS = 5
_FLINKS = "app,component in (jobmanager,taskmanager)"


class Pods:
    """The pods of Flink in one namespace. Answers are extras: empty where the API server gives none."""

    def __init__(self, api_client: Any, namespace: str, fresh_seconds: float) -> None:
        """
        Args:
            api_client: of kubernetes_asyncio.
            namespace: of the jobs.
            fresh_seconds: how old an answer may be that is given again.
        """
        self._client = api_client
        self._namespace = namespace
        self._fresh = fresh_seconds
        self._at = float("-inf")
        self._pods: list[Object] = []
        self._deployments: list[Object] = []
        self._lock = asyncio.Lock()

    async def trouble(self, app: str) -> str:
        """Why pods of a job or session cluster do not run, or do not come into being; empty when they do."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._at >= self._fresh:
                self._pods = await self._list(_FLINKS)
                self._deployments = await self._list_deployments()
                self._at = asyncio.get_running_loop().time()
        found = [pod for pod in self._pods if (pod["metadata"].get("labels") or {}).get("app") == app]
        return "; ".join(filter(None, map(pod_trouble, found))) or await self._refused(app, found)

    async def _refused(self, app: str, pods: list[Object]) -> str:
        """What the API server says to pods that it does not let in."""
        for deployment in self._deployments:
            if deployment["metadata"]["name"] == app and (said := replica_failure(deployment)):
                return said
        for pod in filter(is_waiting_for_workers, pods):
            if said := refused_worker(await self._log(pod, 400)):
                return said
        return ""

    async def python_error(self, app: str) -> str:
        """What the Python program of a job said before it ended badly; empty when it said nothing."""
        for pod in await self._list(f"app={app},component=jobmanager"):
            if said := python_error(await self._log(pod, 1000)):
                return said
        return ""

    async def _log(self, pod: Object, lines: int) -> str:
        """The end of what Flink's container has logged."""
        from kubernetes_asyncio import client

        try:
            return await client.CoreV1Api(self._client).read_namespaced_pod_log(
                pod["metadata"]["name"],
                self._namespace,
                container=MAIN_CONTAINER,
                tail_lines=lines,
                _request_timeout=_REQUEST_SECONDS,
            )
        except Exception:  # the operator's own error is there in any case
            return ""

    async def _list_deployments(self) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.AppsV1Api(self._client)
        return await _items(api.list_namespaced_deployment, self._namespace, _FLINKS)

    async def _list(self, selector: str) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.CoreV1Api(self._client)
        return await _items(api.list_namespaced_pod, self._namespace, selector)


async def _items(listing: Callable[..., Awaitable[Any]], namespace: str, selector: str) -> list[Object]:
    try:
        # As text: making objects of hundreds of pods would hold up every watch. From the API server's cache.
        answer = await listing(
            namespace,
            label_selector=selector,
            resource_version="0",
            _preload_content=False,
            _request_timeout=_REQUEST_SECONDS,
        )
        return cast("list[Object]", json.loads(await answer.read())["items"])
    except Exception:  # the watch itself reports an API server that is gone
        return []
