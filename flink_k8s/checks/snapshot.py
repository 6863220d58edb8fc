"""The operator's rules for snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.facts.mappings import mapping


def check(subject: Subject) -> None:
    """A FlinkStateSnapshot without its job."""
    spec = subject.spec
    savepoint, checkpoint = spec.get("savepoint"), spec.get("checkpoint")
    if (savepoint is None) == (checkpoint is None):
        said = "has both savepoint and checkpoint" if savepoint is not None else "has neither savepoint nor checkpoint"
        subject.refuse((), f"{said}; write exactly one")
    elif needs_job(spec) and spec.get("jobReference") is None:
        subject.report(
            "operator-validation",
            ("spec", "jobReference"),
            "is missing; name the job: {kind: FlinkDeployment, name: …}",
        )


def needs_job(spec: Mapping[str, object]) -> bool:
    """Whether the snapshot is still to be taken; one that exists already only gets a resource."""
    already = mapping(spec.get("savepoint")).get("alreadyExists")
    return str(already).lower() != "true"
