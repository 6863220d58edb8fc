"""Lists of the API server that are extras: without them a message says less, and that is all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from flink_k8s.health.failure_reason import Object

REQUEST_SECONDS = 5


async def items(listing: Callable[..., Awaitable[Any]], namespace: str, **selector: str) -> list[Object]:
    """What a list method of `kubernetes_asyncio` gives; nothing where it fails."""
    try:
        # As text: making objects of hundreds of pods would hold up every watch. From the API server's cache.
        answer = await listing(
            namespace, **selector, resource_version="0", _preload_content=False, _request_timeout=REQUEST_SECONDS
        )
        return cast("list[Object]", json.loads(await answer.read())["items"])
    except Exception:  # the watch itself reports an API server that is gone
        return []
