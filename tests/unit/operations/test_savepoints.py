"""`python -m flink_k8s savepoints`: what the list contains, and what happens if something cannot be read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations.savepoints import as_json, as_text, savepoints
from flink_k8s.operations.stack import Stack
from flink_k8s.snapshots.collect import JobState, collect
from flink_k8s.snapshots.directories import jobs_by_directory
from flink_k8s.support.errors import CommandError
from tests.unit.operations.test_access import BLUE_GREEN
from tests.unit.project import Project
from tests.unit.snapshots.cluster import Cluster, listed, snapshot_row, state_snapshot, status
from tests.unit.snapshots.test_listing import BUCKET, HOME, STATEFUL, in_bucket

SAVEPOINT = f"{HOME}/savepoints/savepoint-1-2"


def collected(cluster: Cluster, project: Project) -> JobState:
    job, stack = in_bucket(project)

    async def run() -> JobState:
        async with cluster.serving(project.root) as server, server.asked("failed") as client:
            return await collect(client, job, stack, jobs_by_directory(stack))

    return asyncio.run(run())


def everything() -> Cluster:
    """A running job with a savepoint in its status, a FlinkStateSnapshot, and checkpoints of two runs."""
    info = {"lastSavepoint": {"location": SAVEPOINT, "timeStamp": 50_000}}
    deployment = status(savepointInfo=info, jobId="now", state="RUNNING")
    actual, other = (
        state_snapshot("evening", f"{HOME}/savepoints/savepoint-3-4", "1970-01-01T00:01:00Z"),
        state_snapshot("other", "s3p://b/other", "1970-01-01T00:02:00Z", job="other-job"),
    )
    log = listed(
        snapshot_row(51, SAVEPOINT, 2048),
        "listed\t" + f"{HOME}/savepoints",
        snapshot_row(90, f"{HOME}/checkpoints/now/chk-9"),
        snapshot_row(40, f"{HOME}/checkpoints/before/chk-5"),
        "listed\t" + f"{HOME}/checkpoints",
    )
    return Cluster({"flinkdeployments/word-count": deployment}, [actual, other], log)


def test_the_list_has_every_source_the_newest_first(project: Project) -> None:
    state = collected(everything(), project)
    assert state.problems == ()
    lines = as_text([state]).splitlines()
    assert lines[0].split() == ["JOB", "TIME", "KIND", "SIZE", "RESTORE", "FOUND", "IN", "PATH"]
    assert [line.rsplit("/", 1)[1] for line in lines[1:]] == ["chk-9", "savepoint-3-4", "savepoint-1-2", "chk-5"]
    in_use, missing, savepoint, checkpoint = (" ".join(line.split()) for line in lines[1:])
    assert "checkpoint 10 B no: of the running job files" in in_use
    assert "savepoint - no: no files FlinkStateSnapshot evening" in missing
    assert "1970-01-01T00:00:50Z savepoint 2 KiB yes status of word-count, files" in savepoint
    assert "1970-01-01T00:00:40Z checkpoint 10 B yes files" in checkpoint


def test_json_has_a_record_per_snapshot(project: Project) -> None:
    [job] = json.loads(as_json([collected(everything(), project)]))
    assert (job["namespace"], job["name"], job["problems"]) == ("flink", "word-count", [])
    [record] = [record for record in job["snapshots"] if record["path"] == SAVEPOINT]
    assert record == {
        "time": "1970-01-01T00:00:50Z",
        "kind": "savepoint",
        "size": 2048,
        "path": SAVEPOINT,
        "foundIn": ["status of word-count", "files"],
        "files": "exist",
        "inUse": False,
        "canBeRestored": True,
    }


def test_records_are_listed_if_the_files_cannot_be_read(project: Project) -> None:
    cluster = everything()
    cluster.refusal = "exceeded quota"
    state = collected(cluster, project)
    assert [snapshot.path for snapshot in state.snapshots] == [f"{HOME}/savepoints/savepoint-3-4", SAVEPOINT]
    assert state.problems == ("no pod can be created that lists the files: exceeded quota",)
    assert "files not checked" in as_text([state])


def test_files_are_listed_if_the_job_and_the_kind_of_snapshots_do_not_exist(project: Project) -> None:
    """Recovery in a new cluster: only the directories are left; operators before 1.10 have no FlinkStateSnapshots."""
    state = collected(Cluster({}, None, everything().log), project)
    assert state.problems == ()
    assert all(snapshot.can_be_restored for snapshot in state.snapshots)
    assert [snapshot.sources for snapshot in state.snapshots] == [("files",)] * 3


def test_a_blue_green_deployment_has_the_snapshots_of_both_deployments(project: Project) -> None:
    project.job(BLUE_GREEN)
    project.stack({})
    stack = project.load()

    def deployment(color: str) -> dict[str, Any]:
        return status(f"shop-{color}", upgradeSavepointPath=f"s3p://b/{color}")

    cluster = Cluster({f"flinkdeployments/shop-{color}": deployment(color) for color in ("blue", "green")})

    async def run() -> JobState:
        [job] = stack.jobs
        async with cluster.serving(project.root) as server, server.asked("failed") as client:
            return await collect(client, job, stack, jobs_by_directory(stack))

    assert {snapshot.path for snapshot in asyncio.run(run()).snapshots} == {"s3p://b/blue", "s3p://b/green"}


def test_files_in_a_directory_of_several_jobs_belong_to_none_of_them(project: Project) -> None:
    shared = {"execution.checkpointing.savepoint-dir": f"{HOME}/savepoints/"}
    project.job(STATEFUL.replace("word-count", "other"), "other.yaml")
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET, "jobs": {"other": {"flinkConfiguration": shared}}})
    stack = project.load()
    [job] = [job for job in stack.jobs if job.name == "word-count"]
    cluster = everything()

    async def run() -> JobState:
        async with cluster.serving(project.root) as server, server.asked("failed") as client:
            return await collect(client, job, stack, jobs_by_directory(stack))

    assert asyncio.run(run()).problems == (
        f"{HOME}/savepoints may contain state of flink/other, which has the same directory",
    )


def test_an_empty_list_is_reported() -> None:
    assert as_text([]) == "no savepoint and no retained checkpoint exists"


def test_an_unreachable_api_server_is_one_error(project: Project, tmp_path: Path) -> None:
    _, declared = in_bucket(project)
    stack = Stack("x", tmp_path / "Pulumi.x.yaml", declared)
    with pytest.raises(CommandError, match="could not configure the Kubernetes client"):
        savepoints(stack, "")
