"""What the status of a Flink resource comes to: ready, failed or waiting, and in whose words.

The fields are those of the operator's CRDs, of 1.7.0 and 1.16.1; only FlinkDeployment and FlinkSessionJob say which
generation of the spec their status speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from settings.jobs import Job, job_of

Object = Mapping[str, Any]

OBSERVE_SECONDS = 15
"""How long the operator has to begin with a change, where its status does not say which spec it speaks of."""

RECOVERY_SECONDS = 60
"""How long a JobManager in ERROR has to come back."""


@dataclass(frozen=True)
class Verdict:
    """What an object's status comes to.

    Attributes:
        state: `ready`, `failed`, or `waiting`.
        shown: the status in a few words.
        error: the job's own error, empty when it has none.
        patience: seconds that this must be so before it counts: it may be of an older spec, or pass by itself.
    """

    state: Literal["ready", "failed", "waiting"]
    shown: str
    error: str = ""
    patience: float = 0


def verdict(kind: str, found: Object) -> Verdict:
    """Judges one object.

    Args:
        kind: of the resource.
        found: the object as the API server has it.
    """
    status = cast(Object, found.get("status") or {})
    error = innermost_error(status.get("error"))
    job = str(cast(Object, status.get("jobStatus") or {}).get("state") or "")
    if kind == "FlinkStateSnapshot":
        state = str(status.get("state") or "")
        outcome = {"COMPLETED": "ready", "FAILED": "failed", "ABANDONED": "failed"}.get(state, "waiting")
        return Verdict(cast(Any, outcome), state or "not seen by the operator yet", error)
    if kind == "FlinkBlueGreenDeployment":
        state = str(status.get("blueGreenState") or "")
        shown = _words(state, job and f"job {job}")
        patience = 0 if _is_recorded(found) else OBSERVE_SECONDS
        if job == "FAILING":
            return Verdict("failed", shown, error, patience)
        active = state in ("ACTIVE_BLUE", "ACTIVE_GREEN") and job in ("RUNNING", "FINISHED")
        return Verdict("ready" if active else "waiting", shown, error, patience)
    lifecycle = str(status.get("lifecycleState") or "")
    manager = str(status.get("jobManagerDeploymentStatus") or "")
    shown = _words(lifecycle, manager and f"JobManager {manager}", job and f"job {job}")
    if not is_observed(found):
        return Verdict("waiting", _words(shown if lifecycle else "", "change not seen by the operator yet"), error)
    if lifecycle == "STABLE":
        return Verdict("ready", shown)
    if lifecycle in ("FAILED", "ROLLED_BACK"):
        return Verdict("failed", shown, error)
    if manager == "ERROR":
        # An image that cannot be pulled, a process that crashes again and again; or a ConfigMap that is not there yet.
        return Verdict("failed", shown, error, patience=RECOVERY_SECONDS)
    return Verdict("waiting", shown, error)


def _words(*parts: str) -> str:
    return ", ".join(part for part in parts if part) or "not seen by the operator yet"


def is_observed(found: Object) -> bool:
    """Whether the status speaks of the newest spec."""
    status = cast(Object, found.get("status") or {})
    generation = cast(Object, found["metadata"]).get("generation")
    observed = status.get("observedGeneration")
    if observed is None:  # before operator 1.9 only the reconciled spec tells
        try:
            reconciled = cast(Object, json.loads(cast(Object, status["reconciliationStatus"])["lastReconciledSpec"]))
            observed = cast(Object, reconciled["resource_metadata"])["metadata"]["generation"]
        except (KeyError, TypeError, json.JSONDecodeError):
            return False
    return observed == generation


def _is_recorded(found: Object) -> bool:
    """Whether a blue/green deployment's operator has begun with the newest spec.

    Its status knows no generation; it has the time at which the operator last took a spec over. A change that it
    ignores, of metadata, is not taken over.
    """
    recorded = cast(Object, found.get("status") or {}).get("lastReconciledTimestamp")
    written = [
        str(entry["time"])
        for entry in cast("list[Object]", cast(Object, found["metadata"]).get("managedFields") or [])
        if not entry.get("subresource") and "time" in entry
    ]
    if not recorded or not written:
        return False
    return datetime.fromisoformat(str(recorded)) >= max(map(datetime.fromisoformat, written))


def innermost_error(error: object) -> str:
    """The cause in a status' `error`: the operator writes an exception there as JSON, its causes in `throwableList`."""
    if not error:
        return ""
    try:
        found = cast(Object, json.loads(str(error)))
    except json.JSONDecodeError:
        return str(error)
    causes = cast(list[Object], found.get("throwableList") or [])
    for cause in (*reversed(causes), found):
        name, message = str(cause.get("type") or ""), str(cause.get("message") or "")
        if message:
            # A SerializedThrowable is Flink's wrapping; its message begins with the exception that it wraps.
            is_named = name in message or name.endswith(".SerializedThrowable")
            return message if is_named else f"{name}: {message}".removeprefix(": ")
    return str(found.get("type") or error)


def python_error(log: str) -> str:
    """The last line that a PyFlink program wrote before its process ended badly, empty when the log has none.

    Flink itself knows no more than the exit code; what Python printed stands in the JobManager's log.
    """
    before, exited, _ = log.rpartition("--- Python Process Exited ---")
    if not exited:
        return ""
    for line in reversed(before.splitlines()):
        _, is_python, said = line.partition("flink.client.python.PythonDriver")
        text = said.partition(" - ")[2].strip()
        if is_python and text.strip("- "):
            return "" if "Python Process Started" in text else text
    return ""


def restarts_itself(job: Job) -> bool:
    """Whether the operator restarts the job when it has failed."""
    inner = cast(Object, cast(Object, job.spec.get("template") or {}).get("spec") or job.spec)
    configuration = cast(Object, inner.get("flinkConfiguration") or {})
    return job_of(job.spec) is not None and configuration.get("kubernetes.operator.job.restart.failed") == "true"


def pod_trouble(pod: Object) -> str:
    """Why a pod does not run, in Kubernetes' words: `pod x: Unschedulable: …`; empty when it does."""
    name = cast(Object, pod["metadata"])["name"]
    status = cast(Object, pod.get("status") or {})
    for condition in cast(list[Object], status.get("conditions") or []):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"pod {name}: {condition.get('reason')}: {condition.get('message')}"
    containers = [*cast(list[Object], status.get("initContainerStatuses") or [])]
    containers += cast(list[Object], status.get("containerStatuses") or [])
    for container in containers:
        waiting = cast(Object, cast(Object, container.get("state") or {}).get("waiting") or {})
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return f"pod {name}: {waiting.get('reason')}: {waiting.get('message') or 'no message'}"
    return ""
