"""The forms of `restoreFrom`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flink_k8s.config.restore_request import RestoreRequest, record, recorded_path, unresolved_request


@pytest.mark.parametrize("path", ["s3://b/savepoint-1", "file:/a/1", "abfss://c@a.dfs.core.windows.net/1", "/a/1"])
def test_a_path_is_not_resolved(path: str) -> None:
    request = RestoreRequest.parse(path)
    assert (request.is_path, request.is_resolved_in_cluster, request.is_of_any_job) == (True, False, False)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-29T14:00", datetime(2026, 11, 29, 14, tzinfo=UTC)),
        ("2026-11-29T14:00:30Z", datetime(2026, 11, 29, 14, 0, 30, tzinfo=UTC)),
        ("2026-11-29T14:00+01:00", datetime(2026, 11, 29, 13, tzinfo=UTC)),
        ("2026-11-29", datetime(2026, 11, 29, tzinfo=UTC)),
        ("2026-11-29 14:00:00 +0000 UTC", datetime(2026, 11, 29, 14, tzinfo=UTC)),
        ("2026-11-29 14:00:00.5 +0100 +0100", datetime(2026, 11, 29, 13, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_utc(text: str, utc: datetime) -> None:
    request = RestoreRequest.parse(text)
    assert request.time == utc
    assert (request.is_resolved_in_cluster, request.is_of_any_job) == (True, True)


@pytest.mark.parametrize(("text", "of_any_job"), [("latest", True), ("evening", False), ("orders-1.a", False)])
def test_latest_and_names_are_resolved_in_the_cluster(text: str, of_any_job: bool) -> None:
    request = RestoreRequest.parse(text)
    assert (request.is_resolved_in_cluster, request.is_of_any_job) == (True, of_any_job)


def test_none_restores_nothing() -> None:
    request = RestoreRequest.parse("none")
    assert (request.is_none, request.is_resolved_in_cluster) == (True, False)


@pytest.mark.parametrize("text", ["", "Latest", "the newest", "-a", "a" * 254, "2026-11-29T25:00", "2026-11-31", "a\n"])
def test_invalid_restore_requests_list_the_valid_forms(text: str) -> None:
    with pytest.raises(ValueError, match="write latest, a time such as 2026-11-29T14:00Z, the name of"):
        RestoreRequest.parse(text)


def test_a_record_is_that_of_its_own_request() -> None:
    latest, evening = RestoreRequest.parse("latest"), RestoreRequest.parse("evening")
    annotations = record(latest, "s3://b/a path")
    assert recorded_path(annotations, latest) == "s3://b/a path"
    assert recorded_path(annotations, evening) == ""
    assert unresolved_request(annotations) == ""
    assert unresolved_request(record(latest, "")) == "latest"
    assert unresolved_request({}) == recorded_path({}, latest) == ""


def test_a_record_of_a_time_is_that_of_every_spelling() -> None:
    actual = record(RestoreRequest.parse("2026-11-29T14:00"), "s3://b/1")
    assert actual == {"flink-k8s/restored-from": "2026-11-29T14:00:00Z s3://b/1"}
    assert recorded_path(actual, RestoreRequest.parse("2026-11-29 14:00:00 +0000 UTC")) == "s3://b/1"
