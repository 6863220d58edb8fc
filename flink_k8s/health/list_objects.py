"""Optional lists of objects from the API server: without them a message contains less information."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from flink_k8s.health.failure_reason import Object

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
