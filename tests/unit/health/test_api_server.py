"""Requests to the API server: a request that it asks to repeat is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest
from aiohttp import web

from flink_k8s.health import api_server
from flink_k8s.health.api_server import get
from tests.unit.health.listening import listening

INITIALIZING = "storage is (re)initializing"
"""The message about a kind whose CRD is new."""


def read(folder: Path, *statuses: int) -> Mapping[str, object]:
    """The answer of a server that answers each request with the next status, and then with the last one."""
    remaining = list(statuses)

    async def answer(_: web.Request) -> web.Response:
        status = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return web.json_response({"message": INITIALIZING} if status != 200 else {"items": []}, status=status)

    async def play() -> Mapping[str, object]:
        async with listening(folder, [web.get("/kind", answer)]) as server, server.asked("failed") as api_client:
            return await get(api_client, "/kind")

    return asyncio.run(play())


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_server, "PAUSE_SECONDS", 0)


def test_a_request_is_repeated_while_the_server_prepares_the_kind(tmp_path: Path) -> None:
    assert read(tmp_path, 429, 429, 200) == {"items": []}


def test_a_server_that_never_answers_is_an_error_with_its_message(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"storage is \(re\)initializing"):
        read(tmp_path, 429)


def test_another_refusal_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError):
        read(tmp_path, 403, 200)
    assert read(tmp_path, 404, 200) == {}
