"""`restoreFrom: latest` with the real engine: a preview shows the path, `up` records it, and the next `up` keeps it.

The job has no directories for state, so only its status records savepoints, and no pod has to list files.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.config.restore_request import RESTORED_FROM
from flink_k8s.resolve.job_spec import restored_from
from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import set_status, stand_in_operator
from tests.project import Project, changes
from tests.steps import step

pytestmark = pytest.mark.full

MORNING, NOON, EVENING = (f"s3://b/savepoint-{time}" for time in ("morning", "noon", "evening"))


@pytest.fixture(scope="module", autouse=True)
def _operated(no_stack: None, kubectl: Kubectl) -> Generator[None]:
    with stand_in_operator(kubectl):
        yield


def overlay(charts: Path, **job: Any) -> str:
    return json.dumps({"charts": {"mirror": str(charts)}, "jobs": {"word-count": job}})


def live(kubectl: Kubectl) -> dict[str, Any]:
    return kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {}


def record(kubectl: Kubectl, *paths: str) -> None:
    """Write savepoints into the status of the job, six hours apart, as an operator before 1.10 does."""
    first = 1795932000000  # 2026-11-29T06:00:00Z
    history = [
        {"location": path, "timeStamp": first + index * 6 * 3_600_000, "triggerType": "MANUAL"}
        for index, path in enumerate(paths)
    ]
    info = {"lastSavepoint": history[-1], "savepointHistory": history, "lastPeriodicSavepointTimestamp": 0}
    set_status(kubectl, live(kubectl), {"jobStatus": {"state": "FINISHED", "savepointInfo": info}})


def restored(kubectl: Kubectl) -> tuple[str, str]:
    """The path that the job starts from, and the record of the request."""
    job = live(kubectl)
    path = str(job["spec"]["job"].get("initialSavepointPath") or "")
    if path:
        assert restored_from(path).items() <= job["spec"]["job"].items()
    return path, str(job["metadata"]["annotations"].get(RESTORED_FROM) or "")


def test_latest_is_resolved_once(engine: Project, kubectl: Kubectl, charts: Path) -> None:
    latest = overlay(charts, restoreFrom="latest")
    with step("a job without state is an error at the line of restoreFrom, and nothing is changed"):
        assert engine.make("up", overlay(charts)).code == 0
        refused = engine.make("up", latest)
        assert refused.code != 0
        assert 'jobs.word-count.restoreFrom: is "latest", but the job has no savepoint' in refused.output
        assert restored(kubectl) == ("", "")

    with step("preview shows the path and changes nothing"):
        record(kubectl, MORNING, NOON)
        preview = engine.make("preview", latest)
        assert preview.code == 0, preview.output
        assert f"restoreFrom latest is {NOON} (savepoint of 2026-11-29T12:00:00Z)" in preview.output
        assert changes(preview.output) == {"update"}
        assert restored(kubectl) == ("", "")

    with step("plan shows that the job starts from the path"):
        assert f"job.initialSavepointPath: (none) -> {NOON}" in engine.make("plan", latest).output

    with step("up deploys and records it"):
        assert engine.make("up", latest).code == 0
        assert restored(kubectl) == (NOON, f"latest {NOON}")

    with step("the next up keeps the path, although a newer savepoint exists"):
        record(kubectl, MORNING, NOON, EVENING)
        again = engine.make("up", latest)
        assert again.code == 0, again.output
        assert "as resolved by an earlier run" in again.output
        assert changes(again.output) == set()
        assert restored(kubectl) == (NOON, f"latest {NOON}")

    with step("a time restores the newest savepoint before it"):
        assert engine.make("up", overlay(charts, restoreFrom="2026-11-29T11:59")).code == 0
        assert restored(kubectl) == (MORNING, f"2026-11-29T11:59:00Z {MORNING}")

    with step("without restoreFrom the record is removed, and latest is resolved again"):
        assert engine.make("up", overlay(charts)).code == 0
        assert restored(kubectl) == ("", "")
        assert engine.make("up", latest).code == 0
        assert restored(kubectl) == (EVENING, f"latest {EVENING}")
