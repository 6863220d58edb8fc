"""Lists and watches one kind of resources in one namespace, for all waiting jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from flink_k8s.facts.kinds import FLINK_GROUP, FLINK_VERSION
from flink_k8s.health.failure_reason import Object


class ResourceWatch:
    """Lists and watches one kind in one namespace while at least one job waits."""

    def __init__(self, api_client: Any, namespace: str, plural: str) -> None:
        self.objects: dict[str, Object] = {}
        self.error_message = ""
        self._client = api_client
        self._namespace_and_plural = (namespace, plural)
        self._waiters = 0
        self._change = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> None:
        """Add a waiting job; the first one starts the watch."""
        self._waiters += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self) -> bool:
        """Remove a waiting job; return whether it was the last one."""
        self._waiters -= 1
        return self._waiters == 0

    async def stop(self) -> None:
        """Stop the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def change(self) -> asyncio.Event:
        """An event that is set at the next change of any object."""
        return self._change

    def _notify(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()

    async def _run(self) -> None:
        from aiohttp import ClientError
        from kubernetes_asyncio.client.exceptions import ApiException

        while True:
            try:
                await self._list_and_watch()
            except ApiException as error:
                if error.status in (401, 403):
                    problem = f"the API server refuses the watch: {error.reason}"
                    self.error_message = f"{problem}; allow the stack's user to watch Flink resources"
                    self._notify()
                    return
                await asyncio.sleep(1)
            except (ClientError, OSError, TimeoutError):
                await asyncio.sleep(
                    1
                )  # the API server restarts or the connection was lost: jobs continue to run, so retry

    async def _list_and_watch(self) -> None:
        from kubernetes_asyncio import client, watch

        namespace, plural = self._namespace_and_plural
        api = client.CustomObjectsApi(self._client)
        response: Object = await api.list_namespaced_custom_object(FLINK_GROUP, FLINK_VERSION, namespace, plural)
        self.objects = {item["metadata"]["name"]: item for item in response["items"]}
        self._notify()
        async with watch.Watch() as changes:
            async for event in changes.stream(
                api.list_namespaced_custom_object,
                FLINK_GROUP,
                FLINK_VERSION,
                namespace,
                plural,
                resource_version=response["metadata"]["resourceVersion"],
                timeout_seconds=300,
            ):
                change = cast(Object, event)
                item = cast(Object, change["object"])
                if change["type"] == "ERROR":
                    return
                name = cast(str, cast(Object, item["metadata"])["name"])
                if change["type"] == "DELETED":
                    self.objects.pop(name, None)
                else:
                    self.objects[name] = item
                self._notify()


async def changed(watches: Iterable[ResourceWatch], seconds: float) -> None:
    """Wait for the next change of any object of the watches, or until the timeout in seconds expires."""
    waits = [asyncio.create_task(resource_watch.change.wait()) for resource_watch in watches]
    try:
        await asyncio.wait(waits, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
