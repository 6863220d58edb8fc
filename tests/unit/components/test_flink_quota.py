"""How long a new quota waits until Kubernetes counts the Flink kinds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from flink_k8s.components.flink_quota import COUNTED_AFTER, KnownKinds
from flink_k8s.facts.kinds import FlinkKind
from tests.unit.health.listening import listening

KINDS = [FlinkKind.DEPLOYMENT.resource, FlinkKind.SESSION_JOB.resource]


def remaining(folder: Path, *ages: float, status: int = 200) -> float:
    """The time for the two kinds, which are as old as that, in seconds."""

    async def answer(request: web.Request) -> web.Response:
        age = ages[KINDS.index(request.match_info["name"])]
        created = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return web.json_response({"metadata": {"creationTimestamp": created}}, status=status)

    async def play() -> float:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        async with listening(folder, [web.get(path, answer)]) as api_server:
            return await KnownKinds(api_server).remaining(KINDS)

    return asyncio.run(play())


def test_the_youngest_kind_decides(tmp_path: Path) -> None:
    assert remaining(tmp_path, 3600, 10) == pytest.approx(COUNTED_AFTER - 10, abs=3)


@pytest.mark.parametrize("ages", [(COUNTED_AFTER + 5, 3600), (86400, 86400)])
def test_old_kinds_are_counted(tmp_path: Path, ages: tuple[float, float]) -> None:
    assert remaining(tmp_path, *ages) == 0


def test_a_clock_that_is_behind_does_not_prolong_the_wait(tmp_path: Path) -> None:
    assert remaining(tmp_path, -3600, -3600) == COUNTED_AFTER


@pytest.mark.parametrize("status", [403, 404, 500])
def test_without_their_age_nothing_is_awaited(tmp_path: Path, status: int) -> None:
    assert remaining(tmp_path, 1, 1, status=status) == 0
