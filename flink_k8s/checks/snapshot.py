"""The operator's rules for snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.facts.mappings import mapping


def check(subject: Subject) -> None:
    """Check a FlinkStateSnapshot, without its job."""
    spec = subject.spec
    savepoint, checkpoint = spec.get("savepoint"), spec.get("checkpoint")
    if (savepoint is None) == (checkpoint is None):
        problem = (
            "contains both savepoint and checkpoint"
            if savepoint is not None
            else "contains neither savepoint nor checkpoint"
        )
        subject.refuse((), f"{problem}; write exactly one")
    elif needs_job(spec) and spec.get("jobReference") is None:
        subject.report(
            "operator-validation",
            ("spec", "jobReference"),
            "is missing; set the job: {kind: FlinkDeployment, name: …}",
        )


def needs_job(spec: Mapping[str, object]) -> bool:
    """Whether the operator must take the snapshot from a job, because it does not exist yet."""
    already_exists = mapping(spec.get("savepoint")).get("alreadyExists")
    return str(already_exists).lower() != "true"
