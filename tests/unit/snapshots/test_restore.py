"""`restoreFrom` is resolved in the cluster: what is selected, what is refused, and that a record keeps the path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pulumi
import pytest

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.restore_request import WITHOUT_CLUSTER, RestoreRequest
from flink_k8s.resolve.job_spec import restored_from
from flink_k8s.snapshots.collect import JobState
from flink_k8s.snapshots.restore import Restored, UnresolvedError, newest_restorable, resolve, select
from flink_k8s.snapshots.state_snapshot import Files, StateSnapshot, combined
from tests.unit.project import Project
from tests.unit.snapshots.cluster import Cluster, listed, snapshot_row, state_snapshot, status
from tests.unit.snapshots.test_listing import DIRECTORIES, HOME, in_bucket

NOW = datetime(2026, 11, 29, 18, tzinfo=UTC)
OLD, NEW = f"{HOME}/savepoints/savepoint-1-1", f"{HOME}/savepoints/savepoint-2-2"
KEY = "flinkdeployments/word-count"


def snapshot_at(hour: int | None, path: str = "", **fields: Any) -> StateSnapshot:
    time = None if hour is None else NOW.replace(hour=hour)
    return StateSnapshot(path or f"s3://b/{hour}", time, files=Files.EXIST, **fields)


def selected(request: str, *snapshots: StateSnapshot, problems: Sequence[str] = ()) -> str:
    state = JobState(cast(Any, None), tuple(combined(snapshots, (), ["running"])), tuple(problems))
    return select(RestoreRequest.parse(request), state, now=NOW).path


def test_latest_is_the_newest() -> None:
    assert selected("latest", snapshot_at(9), snapshot_at(14), snapshot_at(12)) == "s3://b/14"


@pytest.mark.parametrize(
    ("time", "path"),
    [
        ("2026-11-29T13:59", "s3://b/12"),
        ("2026-11-29T14:00", "s3://b/14"),
        ("2026-11-29T14:00+01:00", "s3://b/12"),
        ("2026-11-29T17:00Z", "s3://b/14"),
    ],
)
def test_a_time_selects_the_newest_state_not_later_than_it(time: str, path: str) -> None:
    assert selected(time, snapshot_at(9), snapshot_at(14), snapshot_at(12)) == path


def test_a_printed_time_selects_its_own_state() -> None:
    snapshot = StateSnapshot("s3://b/1", NOW.replace(hour=9, microsecond=900_000), files=Files.EXIST)
    assert selected(snapshot.shown_time, snapshot_at(8), snapshot) == "s3://b/1"


@pytest.mark.parametrize(
    ("request_text", "snapshots", "message"),
    [
        ("latest", [], "the job has no savepoint and no checkpoint; write none, or remove restoreFrom"),
        (
            "2026-11-29T08:00",
            [snapshot_at(14), snapshot_at(9)],
            "the oldest state is of 2026-11-29T09:00:00Z: s3://b/9; ",
        ),
        (
            "2026-11-29T19:00",
            [snapshot_at(9)],
            "it is now 2026-11-29T18:00:00Z; write an earlier time, with Z or an offset",
        ),
        ("latest", [snapshot_at(9), snapshot_at(None)], "the time of s3://b/None is unknown; write the path"),
    ],
)
def test_no_matching_state_is_an_error(request_text: str, snapshots: list[StateSnapshot], message: str) -> None:
    with pytest.raises(UnresolvedError) as raised:
        selected(request_text, *snapshots)
    assert message in str(raised.value)


def test_state_without_files_is_not_selected() -> None:
    recorded = StateSnapshot("s3://b/sp/gone", NOW)
    state = JobState(cast(Any, None), tuple(combined([recorded, snapshot_at(9)], ["s3://b/sp"], ())))
    assert select(RestoreRequest.parse("latest"), state, now=NOW).path == "s3://b/9"


def test_no_older_state_is_selected_instead_of_a_checkpoint_of_the_running_job() -> None:
    checkpoint = snapshot_at(14, "s3://b/cp/running/chk-3")
    with pytest.raises(UnresolvedError, match="chk-3 of the running job, which deletes it later; suspend"):
        selected("latest", snapshot_at(9), checkpoint)
    assert selected("2026-11-29T13:00", snapshot_at(9), checkpoint) == "s3://b/9"


def test_nothing_is_selected_from_an_incomplete_list() -> None:
    with pytest.raises(UnresolvedError, match="what exists is unknown: no pod; fix this, or write a path"):
        selected("latest", snapshot_at(9), problems=["no pod"])


def resolved(cluster: Cluster, project: Project, request: str) -> Restored:
    _, stack = in_bucket(project, restoreFrom=request)

    async def run() -> list[Restored]:
        async with cluster.serving(project.root) as api_server:
            return await resolve(api_server, stack)

    [restored] = asyncio.run(run())
    return restored


def files(*rows: str) -> str:
    return listed(*rows, *(f"listed\t{directory}" for directory in DIRECTORIES))


def test_a_job_that_does_not_exist_is_restored_from_its_files(project: Project) -> None:
    cluster = Cluster(snapshots=None, log=files(snapshot_row(1, OLD), snapshot_row(2, NEW)))
    restored = resolved(cluster, project, "latest")
    assert (restored.path, restored.text) == (NEW, "savepoint of 1970-01-01T00:00:02Z")
    assert resolved(cluster, project, "1970-01-01T00:00:01Z").path == OLD


def test_a_kind_whose_crd_is_new_is_requested_again(project: Project) -> None:
    cluster = Cluster(log=files(snapshot_row(1, OLD)))
    cluster.initializing = 1
    assert resolved(cluster, project, "latest").path == OLD
    assert cluster.initializing == 0


def test_the_record_of_the_same_request_keeps_its_path(project: Project) -> None:
    deployed = status(upgradeSavepointPath=NEW)
    deployed["metadata"]["annotations"] = {"flink-k8s/restored-from": f"latest {OLD}"}
    cluster = Cluster({KEY: deployed}, log=files(snapshot_row(1, OLD), snapshot_row(2, NEW)))
    assert resolved(cluster, project, "latest").path == OLD
    assert (cluster.reads, cluster.pods) == (1, [])
    assert resolved(cluster, project, "2026-11-29T14:00Z").path == NEW


def test_a_name_is_that_of_a_completed_resource_without_a_listing(project: Project) -> None:
    snapshot = state_snapshot("evening", OLD, "2026-11-29T14:00:00Z")
    cluster = Cluster({"flinkstatesnapshots/evening": snapshot}, refusal="no pods")
    restored = resolved(cluster, project, "evening")
    assert (restored.path, restored.text) == (OLD, "savepoint of 2026-11-29T14:00:00Z")


def test_a_named_checkpoint_of_the_running_job_is_refused(project: Project) -> None:
    snapshot = state_snapshot("evening", f"{HOME}/checkpoints/now/chk-1", "2026-11-29T14:00:00Z")
    objects = {"flinkstatesnapshots/evening": snapshot, KEY: status(jobId="now", state="RUNNING")}
    with pytest.raises(ProblemsError, match="now/chk-1 of the running job, which deletes it later"):
        resolved(Cluster(objects), project, "evening")
    assert resolved(Cluster({**objects, KEY: status(jobId="next", state="RUNNING")}), project, "evening").path


@pytest.mark.parametrize(
    ("request_text", "cluster", "message"),
    [
        ("evening", Cluster(), "but no FlinkStateSnapshot has that name in the namespace flink; "),
        (
            "evening",
            Cluster({"flinkstatesnapshots/evening": {"status": {"state": "FAILED"}}}),
            "but that FlinkStateSnapshot is FAILED and has no path; ",
        ),
        ("latest", Cluster(log=files()), "but the job has no savepoint and no checkpoint; "),
        (
            "latest",
            Cluster(refusal="no namespace"),
            "no pod can be created that lists the files: no namespace; fix this",
        ),
    ],
)
def test_an_error_has_the_line_of_restore_from(
    project: Project, request_text: str, cluster: Cluster, message: str
) -> None:
    with pytest.raises(ProblemsError) as raised:
        resolved(cluster, project, request_text)
    [problem] = raised.value.problems
    line = (project.root / "Pulumi.x.yaml").read_text().splitlines()[problem.line - 1]
    assert (problem.file, line.strip()) == ("Pulumi.x.yaml", f"restoreFrom: {request_text}")
    assert f'jobs.word-count.restoreFrom: is "{request_text}", but ' in str(problem)
    assert message in str(problem)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of the program to the engine."""
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", messages.append)
    return messages


def test_the_program_gets_the_stack_with_paths_and_prints_them(project: Project, messages: list[str]) -> None:
    _, stack = in_bucket(project, restoreFrom="latest")
    cluster = Cluster(log=files(snapshot_row(2, NEW)))

    async def run() -> list[object]:
        async with cluster.serving(project.root) as server:
            access = ClusterAccess(server.context, server.kubeconfig)
            return [job.spec["job"] for job in (await asyncio.to_thread(access.restored, stack)).jobs]

    [job] = asyncio.run(run())
    assert restored_from(NEW).items() <= cast(dict[str, object], job).items()
    assert messages == [f"job flink/word-count: restoreFrom latest is {NEW} (savepoint of 1970-01-01T00:00:02Z)"]


def test_a_stack_without_requests_needs_no_cluster(project: Project) -> None:
    _, stack = in_bucket(project, restoreFrom="s3://b/1")
    assert ClusterAccess("unknown", "missing").restored(stack) is stack


def test_a_run_without_the_cluster_records_the_request(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _, stack = in_bucket(project, restoreFrom="latest")
    monkeypatch.setenv(WITHOUT_CLUSTER, "1")
    [job] = ClusterAccess("unknown", "missing").restored(stack).jobs
    assert cast(Any, job.manifest["metadata"])["annotations"] == {"flink-k8s/restored-from": "latest"}
    assert cast(Any, job.spec["job"])["initialSavepointPath"] == "latest"


def newest(*snapshots: StateSnapshot, problems: Sequence[str] = ()) -> str:
    return newest_restorable(
        JobState(cast(Any, None), tuple(combined(snapshots, (), ["running"])), tuple(problems))
    ).path


def test_a_copy_restores_an_older_state_than_the_checkpoints_of_the_running_job() -> None:
    checkpoint = snapshot_at(14, "s3://b/cp/running/chk-3")
    assert newest(checkpoint, snapshot_at(12), snapshot_at(9)) == "s3://b/12"


@pytest.mark.parametrize(
    ("snapshots", "problems", "message"),
    [
        ([], [], "the job has no savepoint and no checkpoint; take a savepoint"),
        ([snapshot_at(14, "s3://b/cp/running/chk-3")], [], "checkpoint except the checkpoints of the running job"),
        ([snapshot_at(9), snapshot_at(None)], [], "the time of s3://b/None is unknown"),
        ([snapshot_at(9)], ["no pod"], "what exists is unknown: no pod; fix this"),
    ],
)
def test_no_restorable_state_is_an_error(snapshots: list[StateSnapshot], problems: list[str], message: str) -> None:
    with pytest.raises(UnresolvedError, match=message):
        newest(*snapshots, problems=problems)
