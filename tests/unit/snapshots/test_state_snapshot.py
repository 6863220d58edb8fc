"""Savepoints and checkpoints: read from statuses, resources and files, combined by path, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flink_k8s.snapshots.state_snapshot import (
    Files,
    StateSnapshot,
    canonical,
    combined,
    of_files,
    of_resource,
    of_status,
    running_job_id,
)
from tests.unit.snapshots.cluster import state_snapshot, status


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_status_of_an_old_operator_has_the_savepoint_history() -> None:
    first, last = {"location": "s3://b/sp/1", "timeStamp": 1000}, {"location": "s3://b/sp/2", "timeStamp": 2000}
    info = {"lastSavepoint": last, "savepointHistory": [first, last]}
    actual = combined(of_status(status(savepointInfo=info)), (), ())
    assert [(item.path, item.time) for item in actual] == [("s3://b/sp/2", at(2)), ("s3://b/sp/1", at(1))]
    assert actual[0].sources == ("status of word-count",)


def test_status_of_a_new_operator_has_the_path_of_the_upgrade() -> None:
    [actual] = of_status(status(upgradeSavepointPath="s3://b/sp/1", savepointInfo={"savepointHistory": []}))
    assert (actual.path, actual.time) == ("s3://b/sp/1", None)


def test_the_restored_path_is_not_a_newer_state() -> None:
    deployment = status(upgradeSavepointPath="file:/other/sp/1")
    deployment["spec"] = {"job": {"initialSavepointPath": "file:///other/sp/1"}}
    assert list(of_status(deployment)) == []


@pytest.mark.parametrize(
    "job_status",
    [
        {},
        {"upgradeSavepointPath": "KUBERNETES_OPERATOR_LAST_STATE"},
        {"savepointInfo": {"lastSavepoint": {"location": "KUBERNETES_OPERATOR_LAST_STATE", "timeStamp": 0}}},
        {"checkpointInfo": {"lastCheckpoint": {"timeStamp": 1000}}},
    ],
)
def test_a_status_without_a_path_has_no_snapshot(job_status: dict[str, Any]) -> None:
    assert list(of_status(status(**job_status))) == []


def test_only_completed_resources_count() -> None:
    result = state_snapshot("evening", "s3://b/sp/1", "2026-11-29T14:00:00.123Z")
    actual = of_resource(result)
    assert actual is not None
    assert (actual.names, actual.shown_time) == (("evening",), "2026-11-29T14:00:00Z")
    assert of_resource({**result, "status": {**result["status"], "state": "FAILED"}}) is None


def test_the_time_of_a_resource_for_an_older_savepoint_is_not_that_of_the_savepoint() -> None:
    existing = state_snapshot("old", "s3://b/sp/1", "2026-11-29T14:00:00Z", savepoint={"alreadyExists": True})
    actual = of_resource(existing)
    assert actual is not None
    assert actual.time is None
    existing["metadata"]["labels"] = {"snapshot.trigger-type": "UPGRADE"}
    upgraded = of_resource(existing)
    assert upgraded is not None
    assert upgraded.shown_time == "2026-11-29T14:00:00Z"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("file:/a/sp/1", "file:///a/sp/1"),
        ("file:///a/sp/1/", "file:///a/sp/1"),
        ("/a/sp/1", "file:///a/sp/1"),
        ("s3://b/sp/1/_metadata", "s3://b/sp/1"),
    ],
)
def test_spellings_of_one_path_are_equal(path: str, expected: str) -> None:
    assert canonical(path) == expected


def test_entries_of_one_path_are_merged_with_their_sources() -> None:
    recorded = of_status(status(savepointInfo={"lastSavepoint": {"location": "file:/a/sp/1", "timeStamp": 1000}}))
    resource = of_resource(state_snapshot("evening", "file:/a/sp/1", "1970-01-01T00:00:01Z"))
    assert resource is not None
    [actual] = combined([of_files(5000, 42, "file:///a/sp/1"), *recorded, resource], ["/a/sp"], ())
    assert actual.sources == ("files", "status of word-count", "FlinkStateSnapshot evening")
    assert (actual.time, actual.size, actual.files, actual.names) == (at(1), 42, Files.EXIST, ("evening",))


def test_a_recorded_savepoint_without_files_cannot_be_restored() -> None:
    actual, elsewhere = StateSnapshot("s3://b/sp/1", at(1)), StateSnapshot("s3://other/2", at(2))
    unknown, missing = combined([actual, elsewhere], ["s3://b/sp/"], ())
    assert (unknown.files, unknown.can_be_restored) == (Files.UNKNOWN, True)
    assert (missing.files, missing.can_be_restored) == (Files.MISSING, False)


def test_checkpoints_of_a_running_job_cannot_be_restored() -> None:
    checkpoints = [of_files(1000, 1, f"s3://b/cp/{job}/chk-9") for job in ("running", "ended")]
    running = running_job_id(status(jobId="running", state="RESTARTING"))
    actual = combined(checkpoints, ["s3://b/cp"], [running])
    assert {item.path: item.can_be_restored for item in actual} == {
        "s3://b/cp/running/chk-9": False,
        "s3://b/cp/ended/chk-9": True,
    }


@pytest.mark.parametrize("state", ["FINISHED", "CANCELED", "FAILED", "SUSPENDED", None])
def test_an_ended_job_deletes_no_checkpoints(state: str | None) -> None:
    assert running_job_id(status(jobId="a", state=state)) == ""


def test_checkpoints_of_one_moment_are_ordered_by_their_number() -> None:
    actual = combined([of_files(1000, 1, f"s3://b/cp/j/chk-{number}") for number in (9, 10)], (), ())
    assert [item.path for item in actual] == ["s3://b/cp/j/chk-10", "s3://b/cp/j/chk-9"]
    assert {item.kind for item in actual} == {"checkpoint"}


def test_snapshots_without_a_time_are_the_last() -> None:
    actual = combined([StateSnapshot("s3://b/1"), StateSnapshot("s3://b/2", at(2))], (), ())
    assert [item.path for item in actual] == ["s3://b/2", "s3://b/1"]
    assert actual[-1].shown_time == "unknown"
