"""The forms of `restoreFrom`: a path, `latest`, a time, the name of a FlinkStateSnapshot, or `none`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LATEST = "latest"
NONE = "none"

RESTORED_FROM = "flink-k8s/restored-from"
"""The annotation with a request and the path that it was resolved to. An `up` with the same request keeps the path."""

WITHOUT_CLUSTER = "FLINK_K8S_WITHOUT_CLUSTER"
"""The environment variable of a run of the program that must not connect to the cluster: render, graph, review."""

FORMS = "write latest, a time such as 2026-11-29T14:00Z, the name of a FlinkStateSnapshot, a path, or none"

_PATH = re.compile(r"[a-z][a-z0-9+.\-]*:/|/")
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_ENGINE_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d\d)(\d\d)(?: \S+)?")
"""The engine passes a YAML timestamp without quotes as `2026-11-29 14:00:00 +0000 UTC`."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?")


@dataclass(frozen=True)
class RestoreRequest:
    """A parsed `restoreFrom`.

    Attributes:
        text: as the stack file contains it.
        time: for a time, else None.
        is_path: whether the text is a path.
    """

    text: str
    time: datetime | None = None
    is_path: bool = False

    @classmethod
    def parse(cls, text: str) -> RestoreRequest:
        """Parse the setting.

        Raises:
            ValueError: if the text has none of the forms.
        """
        if _PATH.match(text):
            return cls(text, is_path=True)
        if _TIME.match(text):
            try:
                time = datetime.fromisoformat(_ENGINE_TIME.sub(r"\1T\2\3:\4", text))
            except ValueError:
                raise ValueError(f'is "{text}", which is not a time; {FORMS}') from None
            return cls(text, time if time.tzinfo else time.replace(tzinfo=UTC))
        if not _NAME.fullmatch(text) or len(text) > 253:
            raise ValueError(f'is "{text}", which has an unknown form; {FORMS}')
        return cls(text)

    @property
    def canonical(self) -> str:
        """The text in the form in which two spellings of one time are equal."""
        return self.text if self.time is None else self.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def is_none(self) -> bool:
        """Whether the job restores nothing, although an earlier source requests it."""
        return self.text == NONE

    @property
    def is_of_any_job(self) -> bool:
        """Whether it selects a state of each job, so that it can be set for all jobs."""
        return self.text in (LATEST, NONE) or self.time is not None

    @property
    def is_resolved_in_cluster(self) -> bool:
        """Whether only the cluster and the storage determine the path."""
        return not self.is_path and not self.is_none


def is_resolved_in_cluster(text: str) -> bool:
    """Whether only the cluster and the storage determine the path of a request; false if it is invalid."""
    try:
        return RestoreRequest.parse(text).is_resolved_in_cluster
    except ValueError:
        return False


def recorded_path(annotations: Mapping[str, object], request: RestoreRequest) -> str:
    """The path that the annotation records for the same request; empty if it records none."""
    recorded, _, path = str(annotations.get(RESTORED_FROM) or "").partition(" ")
    return path if recorded == request.canonical else ""


def unresolved_request(annotations: Mapping[str, object]) -> str:
    """The request that the annotation records without a path; empty without one."""
    request, _, path = str(annotations.get(RESTORED_FROM) or "").partition(" ")
    return "" if path else request


def record(request: RestoreRequest, path: str) -> dict[str, str]:
    """The annotation of a resolved request; with an empty path, of a request that is not resolved yet."""
    return {RESTORED_FROM: f"{request.canonical} {path}".strip()}
