"""Lists and watches one kind in one namespace; and what its pods wait for, asked once for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from flink_k8s.facts.kinds import FLINK_GROUP, FLINK_VERSION
from flink_k8s.health.failure_reason import Object


class Stream:
    """Lists and watches one kind in one namespace, for as long as somebody waits."""

    def __init__(self, api_client: Any, namespace: str, plural: str) -> None:
        self.objects: dict[str, Object] = {}
        self.refusal = ""
        self._client = api_client
        self._where = (namespace, plural)
        self._waiters = 0
        self._change = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> None:
        """Somebody waits; the first one starts the watch."""
        self._waiters += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self) -> bool:
        """True when nobody is left."""
        self._waiters -= 1
        return self._waiters == 0

    async def stop(self) -> None:
        """Ends the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def change(self) -> asyncio.Event:
        """Set at the next change of any object."""
        return self._change

    def _tell(self) -> None:
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
                    self.refusal = (
                        f"the API server refuses it: {error.reason}; the stack's user must be allowed to watch"
                    )
                    self._tell()
                    return
                await asyncio.sleep(1)
            except (ClientError, OSError, TimeoutError):
                await asyncio.sleep(1)  # the API server restarts or the connection broke: jobs run on, so look again

    async def _list_and_watch(self) -> None:
        from kubernetes_asyncio import client, watch

        namespace, plural = self._where
        api = client.CustomObjectsApi(self._client)
        listed: Object = await api.list_namespaced_custom_object(FLINK_GROUP, FLINK_VERSION, namespace, plural)
        self.objects = {item["metadata"]["name"]: item for item in listed["items"]}
        self._tell()
        async with watch.Watch() as changes:
            async for event in changes.stream(
                api.list_namespaced_custom_object,
                FLINK_GROUP,
                FLINK_VERSION,
                namespace,
                plural,
                resource_version=listed["metadata"]["resourceVersion"],
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
                self._tell()


async def changed(streams: Iterable[Stream], seconds: float) -> None:
    """Waits for the next change of any object of these streams, so long at most."""
    waits = [asyncio.create_task(stream.change.wait()) for stream in streams]
    try:
        await asyncio.wait(waits, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
