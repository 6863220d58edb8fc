"""Information that is only in Kubernetes events: Flink's exceptions, and nodes that an autoscaler is adding.

The results are optional: they are empty if the API server fails, or the user has no right to list events.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

from flink_k8s.health.failure_reason import Object, root

_BRINGS_NODE = ("TriggeredScaleUp", "Nominated")
"""Reasons in events of the cluster autoscaler and of Karpenter."""


async def last_exception(api_client: Any, namespace: str, name: str) -> str:
    """The newest exception of a restarting job, which the operator writes into an event; in one line."""
    events = await _list(api_client, namespace, f"involvedObject.name={name},reason=JobException")
    if not events:
        return ""
    return root(str(max(events, key=_when).get("message") or ""))


async def brings_node(api_client: Any, namespace: str, pods: Collection[str]) -> bool:
    """Whether an autoscaler is adding a node for each of the pods."""
    waiting = set(pods)
    for reason in _BRINGS_NODE:
        for event in await _list(api_client, namespace, f"involvedObject.kind=Pod,reason={reason}"):
            waiting.discard(str(event["involvedObject"]["name"]))
    return not waiting


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))


async def _list(api_client: Any, namespace: str, fields: str) -> list[Object]:
    from kubernetes_asyncio import client

    api: Any = client.CoreV1Api(api_client)
    return await items(api.list_namespaced_event, namespace, field_selector=fields)


REQUEST_SECONDS = 5


async def items(list_method: Callable[..., Awaitable[Any]], namespace: str, **selector: str) -> list[Object]:
    """The result of a list method of `kubernetes_asyncio`; empty if the request fails."""
    try:
        # As text: to parse hundreds of pods to objects would delay the watches. From the cache of the API server.
        answer = await list_method(
            namespace, **selector, resource_version="0", _preload_content=False, _request_timeout=REQUEST_SECONDS
        )
        return cast("list[Object]", json.loads(await answer.read())["items"])
    except Exception:  # the watch reports an unreachable API server
        return []
