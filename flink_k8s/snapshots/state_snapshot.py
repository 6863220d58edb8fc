"""A savepoint or retained checkpoint, as statuses, FlinkStateSnapshots and files describe it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import job_of

_LAST_STATE = "KUBERNETES_OPERATOR_LAST_STATE"
"""The operator's placeholder for the path of a last-state upgrade."""

_CHECKPOINT = re.compile(r"chk-\d+")
_UPGRADE_LABEL = ("snapshot.trigger-type", "UPGRADE")

_ENDED = ("", "FINISHED", "CANCELED", "FAILED", "SUSPENDED")
"""States of a job that takes no checkpoints."""


class Files(StrEnum):
    """What is known about the files of a snapshot."""

    EXIST = "exist"
    MISSING = "missing"
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class StateSnapshot:
    """A savepoint or checkpoint.

    Attributes:
        path: that Flink restores.
        time: when it was taken; None if it is unknown.
        size: bytes of the files in its own directory; None if it is unknown.
        sources: where it is recorded: `FlinkStateSnapshot <name>`, `status of <name>`, `files`.
        names: of its FlinkStateSnapshots.
        files: whether its files exist.
        is_in_use: whether a running job may delete it when it takes the next checkpoint.
    """

    path: str
    time: datetime | None = None
    size: int | None = None
    sources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    files: Files = Files.UNKNOWN
    is_in_use: bool = False

    @property
    def kind(self) -> str:
        """`savepoint` or `checkpoint`; Flink names the directories of checkpoints `chk-<number>`."""
        return "checkpoint" if _CHECKPOINT.fullmatch(self.path.rpartition("/")[2]) else "savepoint"

    @property
    def can_be_restored(self) -> bool:
        """Whether a job can restore it, as far as that is known."""
        return self.files is not Files.MISSING and not self.is_in_use

    @property
    def shown_time(self) -> str:
        """`2026-11-29T14:00:00Z`, or `unknown`."""
        return "unknown" if self.time is None else shown_time(self.time)


def shown_time(time: datetime) -> str:
    """`2026-11-29T14:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(path: str) -> str:
    """The path in the form in which two spellings of one directory are equal: `file:///a/` and `file:/a` are."""
    path = path.strip().rstrip("/").removesuffix("/_metadata")
    local = re.fullmatch(r"(?:file:(?://)?)?(/[^/].*)", path)
    return f"file://{local.group(1)}" if local else path


def of_status(manifest: Mapping[str, object]) -> Iterator[StateSnapshot]:
    """The savepoints in the status of a FlinkDeployment or FlinkSessionJob, of every operator version.

    Operators before 1.10 record only savepoints, later ones also the path that an upgrade or a suspension continues
    from; after a restore, that is the restored path, which is not a newer state. Statuses contain no paths of periodic
    checkpoints.
    """
    source = (f"status of {mapping(manifest.get('metadata')).get('name')}",)
    job = mapping(mapping(manifest.get("status")).get("jobStatus"))
    info = mapping(job.get("savepointInfo"))
    for item in (*listed(info.get("savepointHistory")), info.get("lastSavepoint")):
        savepoint = mapping(item)
        location, milliseconds = savepoint.get("location"), savepoint.get("timeStamp")
        if isinstance(location, str) and location and location != _LAST_STATE:
            is_known = isinstance(milliseconds, int) and milliseconds > 0
            yield StateSnapshot(canonical(location), _time(milliseconds) if is_known else None, sources=source)
    path = job.get("upgradeSavepointPath")
    restored = str((job_of(mapping(manifest.get("spec"))) or {}).get("initialSavepointPath") or "")
    if isinstance(path, str) and path and path != _LAST_STATE and canonical(path) != canonical(restored):
        yield StateSnapshot(canonical(path), sources=source)


def _time(milliseconds: object) -> datetime:
    return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)


def of_resource(manifest: Mapping[str, object]) -> StateSnapshot | None:
    """The savepoint or checkpoint of a FlinkStateSnapshot; None if it is not completed."""
    metadata, status = mapping(manifest.get("metadata")), mapping(manifest.get("status"))
    path = status.get("path")
    if status.get("state") != "COMPLETED" or not isinstance(path, str) or not path:
        return None
    name = str(metadata.get("name"))
    # The times of a resource for an existing savepoint are those of the resource, except in an upgrade.
    is_older = mapping(mapping(manifest.get("spec")).get("savepoint")).get("alreadyExists") is True
    label, upgrade = _UPGRADE_LABEL
    has_time = not is_older or mapping(metadata.get("labels")).get(label) == upgrade
    time = status.get("triggerTimestamp") or status.get("resultTimestamp")
    taken = datetime.fromisoformat(str(time)) if has_time and time else None
    return StateSnapshot(canonical(path), taken, sources=(f"FlinkStateSnapshot {name}",), names=(name,))


def of_files(milliseconds: int, size: int, path: str) -> StateSnapshot:
    """A listed directory with a `_metadata` file, which Flink writes last."""
    return StateSnapshot(canonical(path), _time(milliseconds), size, ("files",), files=Files.EXIST)


def running_job_id(manifest: Mapping[str, object]) -> str:
    """The id of the job of a resource if it may take checkpoints, else empty."""
    job = mapping(mapping(manifest.get("status")).get("jobStatus"))
    return "" if str(job.get("state") or "") in _ENDED else str(job.get("jobId") or "")


def combined(
    snapshots: Iterable[StateSnapshot], listed_directories: Collection[str], running_jobs: Collection[str]
) -> list[StateSnapshot]:
    """One entry per path, the newest first.

    Args:
        snapshots: from all sources; recorded times win over those of files, which are times of completion.
        listed_directories: directories whose files are known.
        running_jobs: ids of running jobs.
    """
    by_path: dict[str, StateSnapshot] = {}
    for snapshot in snapshots:
        other = by_path.get(snapshot.path)
        by_path[snapshot.path] = snapshot if other is None else _merged(other, snapshot)
    directories = [f"{canonical(directory)}/" for directory in listed_directories]
    result: list[StateSnapshot] = []
    for snapshot in by_path.values():
        is_missing = snapshot.files is Files.UNKNOWN and any(map(snapshot.path.startswith, directories))
        is_in_use = snapshot.kind == "checkpoint" and any(f"/{job}/" in snapshot.path for job in running_jobs if job)
        files = Files.MISSING if is_missing else snapshot.files
        result.append(replace(snapshot, files=files, is_in_use=is_in_use))
    return sorted(result, key=_age)


def _age(snapshot: StateSnapshot) -> tuple[bool, float, int, str]:
    """The newest first; of checkpoints of one moment, the one with the highest number."""
    number = int(snapshot.path.rpartition("chk-")[2]) if snapshot.kind == "checkpoint" else 0
    seconds = snapshot.time.timestamp() if snapshot.time else 0.0
    return snapshot.time is None, -seconds, -number, snapshot.path


def _merged(one: StateSnapshot, other: StateSnapshot) -> StateSnapshot:
    recorded = [item.time for item in (one, other) if item.time and item.files is not Files.EXIST]
    return StateSnapshot(
        one.path,
        recorded[0] if recorded else one.time or other.time,
        one.size if one.size is not None else other.size,
        tuple(dict.fromkeys((*one.sources, *other.sources))),
        tuple(dict.fromkeys((*one.names, *other.names))),
        Files.EXIST if Files.EXIST in (one.files, other.files) else Files.UNKNOWN,
    )
