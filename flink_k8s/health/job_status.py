"""What the status of a Flink resource comes to: ready, failed or waiting, and in whose words.

The fields are those of the operator's CRDs, of 1.7.0 and 1.16.1; only FlinkDeployment and FlinkSessionJob say which
generation of the spec their status speaks of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.failure_reason import Object, OperatorError
from flink_k8s.resolve.jobs import Job, job_of

OBSERVE_SECONDS = 15
"""How long the operator has to begin with a change, where its status does not say which spec it speaks of."""

_FREE = re.compile(r"\.(flinkConfiguration|configuration|logConfiguration|podTemplate|args)\.")
"""In the path of a leaf of a spec: from there on all is its author's, and no default of the operator's."""

RECOVERY_SECONDS = 60
"""How long what may pass by itself has to pass: a JobManager in ERROR, an upgrade that the operator tries again."""


@dataclass(frozen=True)
class Verdict:
    """What an object's status comes to.

    Attributes:
        state: `ready`, `failed`, or `waiting`.
        shown: the status in a few words.
        error: the job's own error.
        patience: seconds that this must be so before it counts: it may be of an older spec, or pass by itself.
        may_restart: whether it is a failure that the operator may answer with a restart of the job.
        is_observed: whether the status speaks of the newest spec.
    """

    state: Literal["ready", "failed", "waiting"]
    shown: str
    error: OperatorError = field(default_factory=OperatorError)
    patience: float = 0
    may_restart: bool = False
    is_observed: bool = True


def verdict(kind: str, found: Object, *, suspended: bool = False) -> Verdict:
    """Judges one object.

    Args:
        kind: of the resource.
        found: the object as the API server has it.
        suspended: whether it is declared not to run: SUSPENDED is ready then, and what runs is not.
    """
    status = cast(Object, found.get("status") or {})
    error = OperatorError.of(status.get("error"))
    job = str(cast(Object, status.get("jobStatus") or {}).get("state") or "")
    if kind == FlinkKind.SNAPSHOT:
        state = str(status.get("state") or "")
        outcome = {"COMPLETED": "ready", "FAILED": "failed", "ABANDONED": "failed"}.get(state, "waiting")
        return Verdict(cast(Any, outcome), state or "not seen by the operator yet", error)
    if kind == FlinkKind.BLUE_GREEN:
        state = str(status.get("blueGreenState") or "")
        shown = _words(state, job and f"job {job}")
        is_recorded = _is_recorded(found)
        patience = 0 if is_recorded else OBSERVE_SECONDS
        if job == "FAILING":
            return Verdict("failed", shown, error, patience, is_observed=is_recorded)
        wanted = ("SUSPENDED",) if suspended else ("RUNNING", "FINISHED")
        active = state in ("ACTIVE_BLUE", "ACTIVE_GREEN") and job in wanted
        return Verdict("ready" if active else "waiting", shown, error, patience, is_observed=is_recorded)
    lifecycle = str(status.get("lifecycleState") or "")
    manager = str(status.get("jobManagerDeploymentStatus") or "")
    shown = _words(lifecycle, manager and f"JobManager {manager}", job and f"job {job}")
    if not is_observed(found):
        shown = _words(shown if lifecycle else "", "change not seen by the operator yet")
        if not error.text:
            return Verdict("waiting", shown, is_observed=False)
        # Of the spec before, for a moment; or the operator refuses this one, or cannot begin with it.
        patience = OBSERVE_SECONDS if error.is_refusal else RECOVERY_SECONDS
        return Verdict("failed", shown, error, patience, is_observed=False)
    if suspended and lifecycle in ("SUSPENDED", "STABLE"):
        return Verdict("ready" if lifecycle == "SUSPENDED" else "waiting", shown, error)
    if lifecycle == "STABLE":
        # It stays STABLE when its job is restarted again and again.
        return Verdict("ready" if job in ("", "RUNNING", "FINISHED") else "waiting", shown, error)
    if lifecycle in ("FAILED", "ROLLED_BACK"):
        return Verdict("failed", shown, error, may_restart=lifecycle == "FAILED" and not error.is_final)
    if manager == "ERROR":
        # An image that cannot be pulled, a process that crashes again and again; or a ConfigMap that is not there yet.
        return Verdict("failed", shown, error, patience=RECOVERY_SECONDS)
    if lifecycle == "UPGRADING" and error.text:
        # The operator tries again, less and less often, and calls it FAILED only where nothing was ever deployed.
        return Verdict("failed", shown, error, patience=0 if error.is_final else RECOVERY_SECONDS)
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
    """Whether a blue/green deployment's operator has taken the newest spec over.

    Its status knows no generation, and its time is that of any write; it has the spec that the operator took over. The
    operator takes a savepoint before that, and calls the old one active once more in between. A change that it ignores,
    of its own options, is not taken over.
    """
    recorded = cast(Object, found.get("status") or {}).get("lastReconciledSpec")
    try:
        taken = cast(Object, json.loads(str(recorded)))["spec"]
    except (KeyError, TypeError, json.JSONDecodeError):
        return False
    declared, recorded = dict(_leaves(found.get("spec") or {})), dict(_leaves(taken))
    # The operator adds defaults to its own fields. What it has beside those, a change took away.
    return declared.items() <= recorded.items() and not any(map(_FREE.search, recorded.keys() - declared.keys()))


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Paths to the values in a spec, as text: the operator may nest keys with dots, and write 1 as 1.0."""
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _leaves(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _leaves(inner, f"{at}.{number}")
    elif isinstance(value, bool):
        yield at, str(value).lower()
    elif value is not None:
        try:
            yield at, repr(float(value))
        except ValueError:
            yield at, str(value)


def restarts_itself(job: Job) -> bool:
    """Whether the operator restarts the job when it has failed."""
    inner = cast(Object, cast(Object, job.spec.get("template") or {}).get("spec") or job.spec)
    configuration = cast(Object, inner.get("flinkConfiguration") or {})
    return job_of(job.spec) is not None and configuration.get("kubernetes.operator.job.restart.failed") == "true"
