"""Whether a job comes back with its state when a process dies: high availability and checkpoints."""

from __future__ import annotations

from flink_k8s.checks.subject import Subject

_INTERVAL = "execution.checkpointing.interval"
_MODE = "execution.runtime-mode"


def check(subject: Subject) -> None:
    """One job, whose `upgradeMode` sets whether it keeps state: a batch job is stateless."""
    if subject.kind == "FlinkSessionJob" and subject.session_cluster is None:
        return
    job = subject.flink_job
    if job is None or job.get("state") == "suspended":
        return
    mode = job.get("upgradeMode", "stateless")
    interval = subject.option(_INTERVAL)
    if mode == "stateless":
        if interval is not None and subject.text(_MODE).upper() != "BATCH":
            message = "is stateless while checkpoints are taken: a changed job starts from nothing; write last-state"
            subject.report_spec("job-recovery", ("job", "upgradeMode"), f"{message} or savepoint")
        return
    lacking = [] if interval is not None else [_INTERVAL]
    if not subject.options.is_highly_available:
        lacking.append("high-availability.type")
    if lacking:
        message = f"is {mode}, and {' and '.join(lacking)} not set: a process that dies takes state with it"
        cure = "set the stack's stateStorage, which sets both"
        subject.report_spec("job-recovery", ("job", "upgradeMode"), f"{message}; {cure}")
