"""Evaluates the status of a Flink resource: ready, failed or waiting, and its error.

The fields are those of the operator's CRDs of 1.7.0 and 1.16.1. Only the status of FlinkDeployment and FlinkSessionJob
contains the observed generation of the spec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.failure_reason import Object, OperatorError
from flink_k8s.resolve.jobs import Job, job_of

OBSERVE_SECONDS = 15
"""Time in which the operator must start to process a change, if the status has no observed generation."""

_FREE = re.compile(r"\.(flinkConfiguration|configuration|logConfiguration|podTemplate|args)\.")
"""Part of the path of a leaf of a spec, after which the operator adds no defaults."""

RECOVERY_SECONDS = 60
"""Time for temporary failures to recover: a JobManager in ERROR, an upgrade that the operator retries."""


@dataclass(frozen=True)
class JobStatus:
    """The evaluated status of a resource.

    Attributes:
        state: `ready`, `failed`, or `waiting`.
        shown: the status in a few words.
        error: the job's own error.
        delay: seconds that the state must last before it counts: it may be of an older spec, or temporary.
        may_restart: whether the operator may restart the failed job.
        is_observed: whether the status is that of the newest spec.
    """

    state: Literal["ready", "failed", "waiting"]
    shown: str
    error: OperatorError = field(default_factory=OperatorError)
    delay: float = 0
    may_restart: bool = False
    is_observed: bool = True


def evaluate(kind: str, manifest: Object, *, suspended: bool = False) -> JobStatus:
    """Evaluate the status of a resource.

    Args:
        kind: of the resource.
        manifest: the object from the API server.
        suspended: whether the job is declared as suspended: it is then ready if it is SUSPENDED, and not if it runs.
    """
    status = cast(Object, manifest.get("status") or {})
    error = OperatorError.of(status.get("error"))
    job = str(cast(Object, status.get("jobStatus") or {}).get("state") or "")
    if kind == FlinkKind.DEPLOYMENT and "spec" in manifest and not manifest["spec"].get("job"):
        job = ""  # of a session cluster; the operator may leave it at RECONCILING
    if kind == FlinkKind.SNAPSHOT:
        state = str(status.get("state") or "")
        outcome = {"COMPLETED": "ready", "FAILED": "failed", "ABANDONED": "failed"}.get(state, "waiting")
        return JobStatus(cast(Any, outcome), state or "not observed by the operator yet", error)
    if kind == FlinkKind.BLUE_GREEN:
        state = str(status.get("blueGreenState") or "")
        shown = _words(state, job and f"job {job}")
        is_recorded = _is_recorded(manifest)
        delay = 0 if is_recorded else OBSERVE_SECONDS
        if job == "FAILING":
            return JobStatus("failed", shown, error, delay, is_observed=is_recorded)
        expected = ("SUSPENDED",) if suspended else ("RUNNING", "FINISHED")
        active = state in ("ACTIVE_BLUE", "ACTIVE_GREEN") and job in expected
        return JobStatus("ready" if active else "waiting", shown, error, delay, is_observed=is_recorded)
    lifecycle = str(status.get("lifecycleState") or "")
    manager = str(status.get("jobManagerDeploymentStatus") or "")
    shown = _words(lifecycle, manager and f"JobManager {manager}", job and f"job {job}")
    if not is_observed(manifest):
        shown = _words(shown if lifecycle else "", "change not observed by the operator yet")
        if not error.text:
            return JobStatus("waiting", shown, is_observed=False)
        # The error is that of the previous spec, for a moment; or the operator refuses or cannot process the new spec.
        delay = OBSERVE_SECONDS if error.is_refusal else RECOVERY_SECONDS
        return JobStatus("failed", shown, error, delay, is_observed=False)
    if suspended and lifecycle in ("SUSPENDED", "STABLE"):
        return JobStatus("ready" if lifecycle == "SUSPENDED" else "waiting", shown, error)
    if lifecycle == "STABLE":
        # The lifecycle remains STABLE while the job restarts repeatedly.
        return JobStatus("ready" if job in ("", "RUNNING", "FINISHED") else "waiting", shown, error)
    if lifecycle in ("FAILED", "ROLLED_BACK"):
        return JobStatus("failed", shown, error, may_restart=lifecycle == "FAILED" and not error.is_final)
    if manager == "ERROR":
        # The image cannot be pulled, a process crashes repeatedly, or a ConfigMap does not exist yet.
        return JobStatus("failed", shown, error, delay=RECOVERY_SECONDS)
    if lifecycle == "UPGRADING" and error.text:
        # The operator retries with increasing delays, and sets FAILED only if nothing was ever deployed.
        return JobStatus("failed", shown, error, delay=0 if error.is_final else RECOVERY_SECONDS)
    return JobStatus("waiting", shown, error)


def _words(*parts: str) -> str:
    return ", ".join(part for part in parts if part) or "not observed by the operator yet"


def is_observed(manifest: Object) -> bool:
    """Whether the status is that of the newest spec."""
    status = cast(Object, manifest.get("status") or {})
    generation = cast(Object, manifest["metadata"]).get("generation")
    observed = status.get("observedGeneration")
    if observed is None:  # before operator 1.9, only the reconciled spec contains the generation
        try:
            reconciled = cast(Object, json.loads(cast(Object, status["reconciliationStatus"])["lastReconciledSpec"]))
            observed = cast(Object, reconciled["resource_metadata"])["metadata"]["generation"]
        except (KeyError, TypeError, json.JSONDecodeError):
            return False
    return observed == generation


def _is_recorded(manifest: Object) -> bool:
    """Whether the operator has recorded the newest spec of a blue/green deployment.

    The status contains no generation, and its time is that of any write, but it contains the recorded spec. Before the
    operator records the spec, it takes a savepoint, and meanwhile reports the old deployment as active again. It does
    not record changes that it ignores, such as those of its own options.
    """
    recorded = cast(Object, manifest.get("status") or {}).get("lastReconciledSpec")
    try:
        reconciled = cast(Object, json.loads(str(recorded)))["spec"]
    except (KeyError, TypeError, json.JSONDecodeError):
        return False
    declared, recorded = dict(_leaves(manifest.get("spec") or {})), dict(_leaves(reconciled))
    # The operator adds defaults to its own fields. Other additional values were removed by a change.
    return declared.items() <= recorded.items() and not any(map(_FREE.search, recorded.keys() - declared.keys()))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Paths and values of a spec, as text: the operator may nest keys with dots, and write 1 as 1.0."""
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _leaves(item, f"{path}.{index}")
    elif isinstance(value, bool):
        yield path, str(value).lower()
    elif value is not None:
        try:
            yield path, repr(float(value))
        except ValueError:
            yield path, str(value)


def is_restarted_by_operator(job: Job) -> bool:
    """Whether the operator restarts a failed job."""
    inner = cast(Object, cast(Object, job.spec.get("template") or {}).get("spec") or job.spec)
    configuration = cast(Object, inner.get("flinkConfiguration") or {})
    return job_of(job.spec) is not None and configuration.get("kubernetes.operator.job.restart.failed") == "true"


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
