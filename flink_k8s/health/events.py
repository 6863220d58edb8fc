"""Information that is only in Kubernetes events: Flink's exceptions, and nodes that an autoscaler is adding.

The results are optional: they are empty if the API server fails, or the stack's user must not list events.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flink_k8s.health.failure_reason import Object, root
from flink_k8s.health.list_objects import items

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
