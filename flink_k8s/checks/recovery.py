"""Whether a job recovers with its state after a process has died: high availability and checkpoints."""

from __future__ import annotations

from flink_k8s.checks.subject import Subject
from flink_k8s.facts.kinds import FlinkKind

_INTERVAL = "execution.checkpointing.interval"
_MODE = "execution.runtime-mode"


def check(subject: Subject) -> None:
    """Check one job. Its `upgradeMode` specifies whether it keeps state; a batch job is stateless."""
    if subject.kind == FlinkKind.SESSION_JOB and subject.session_cluster is None:
        return
    job = subject.flink_job
    if job is None or job.get("state") == "suspended":
        return
    mode = job.get("upgradeMode", "stateless")
    interval = subject.option(_INTERVAL)
    if mode == "stateless":
        if interval is not None and subject.text(_MODE).upper() != "BATCH":
            problem = "is stateless although checkpoints are enabled, so each change starts the job from empty state"
            message = f"{problem}; write last-state or savepoint"
            subject.report_spec("job-recovery", ("job", "upgradeMode"), message)
        return
    missing = [] if interval is not None else [_INTERVAL]
    if not subject.options.is_highly_available:
        missing.append("high-availability.type")
    if missing:
        are = "are" if len(missing) > 1 else "is"
        problem = f"is {mode}, but {' and '.join(missing)} {are} not set, so a process that dies loses its state"
        message = f"{problem}; set the stack's stateStorage, which sets both"
        subject.report_spec("job-recovery", ("job", "upgradeMode"), message)
