"""Whether a job comes back with its state when a process dies: high availability and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.cluster import is_highly_available
from flink_k8s.checks.subject import Subject

_INTERVAL = "execution.checkpointing.interval"
_MODE = "execution.runtime-mode"


def look(subject: Subject) -> None:
    """One job.

    A job says by its upgradeMode that it has state to keep: a batch job is stateless.

    Args:
        subject: with the configuration that the job will have; a session job's has its cluster's, too.
    """
    job: Mapping[str, object] | None = subject.job
    if job is None or job.get("state") == "suspended":
        return
    mode = job.get("upgradeMode", "stateless")
    interval = subject.value(_INTERVAL)
    if mode == "stateless":
        if interval is not None and subject.text(_MODE).upper() != "BATCH":
            message = "is stateless while checkpoints are taken: a changed job starts from nothing; write last-state"
            subject.found("recovery", ("job", "upgradeMode"), f"{message} or savepoint")
        return
    lacking = [] if interval is not None else [_INTERVAL]
    if not is_highly_available(subject):
        lacking.append("high-availability.type")
    if lacking:
        message = f"is {mode}, and {' and '.join(lacking)} not set: a process that dies takes state with it; set "
        subject.found("recovery", ("job", "upgradeMode"), f"{message}the stack's stateStorage, which sets both")
