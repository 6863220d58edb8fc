"""Status of blue/green deployments, including the FlinkDeployment that the operator is starting.

The operator waits ten minutes for it (`kubernetes.operator.bluegreen.abort.grace-period`) without reporting a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.failure_reason import Object
from flink_k8s.health.job_status import JobStatus, evaluate

_NEXT = {"INITIALIZING_BLUE": "blue", "TRANSITIONING_TO_BLUE": "blue", "TRANSITIONING_TO_GREEN": "green"}

_RUNNING = {
    **dict.fromkeys(("INITIALIZING_BLUE", "ACTIVE_BLUE", "SAVEPOINTING_BLUE", "TRANSITIONING_TO_GREEN"), "blue"),
    **dict.fromkeys(("ACTIVE_GREEN", "SAVEPOINTING_GREEN", "TRANSITIONING_TO_BLUE"), "green"),
}
"""The previous deployment runs until the next one is active."""


def children(name: str) -> tuple[str, str]:
    """The two FlinkDeployments of a blue/green deployment."""
    return f"{name}-blue", f"{name}-green"


def running(deployment: Object) -> str | None:
    """Name of the FlinkDeployment that currently runs the job of a blue/green deployment; None if none does."""
    status = cast(Object, deployment.get("status") or {})
    color = _RUNNING.get(str(status.get("blueGreenState")))
    return f"{deployment['metadata']['name']}-{color}" if color else None


def with_next_deployment(job_status: JobStatus, deployment: Object, deployments: Mapping[str, Object]) -> JobStatus:
    """The status, or that of the FlinkDeployment that the operator is starting, if that has failed.

    Args:
        job_status: of the blue/green deployment.
        deployment: the blue/green deployment.
        deployments: the FlinkDeployments of its namespace, by name.
    """
    status = cast(Object, deployment.get("status") or {})
    color = _NEXT.get(str(status.get("blueGreenState")))
    name = f"{deployment['metadata']['name']}-{color}"
    if job_status.state != "waiting" or name not in deployments:
        return job_status
    next_status = evaluate(FlinkKind.DEPLOYMENT, deployments[name])
    shown = f"{job_status.shown}; {name} {next_status.shown}"
    if next_status.state != "failed":
        return replace(job_status, shown=shown)
    # Until the operator has observed a change, the failure may be that of the previous spec.
    delay, is_observed = max(next_status.delay, job_status.delay), next_status.is_observed and job_status.is_observed
    return replace(next_status, shown=shown, delay=delay, is_observed=is_observed)
