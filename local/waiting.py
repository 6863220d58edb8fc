"""Whether an object in the cluster is ready, and why something there is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import pulumi

from local.cluster import Cluster, Object
from local.failure import CommandError
from settings.job_files import FLINK_GROUP

READY: Final = ""

_WAIT_FOR: Final = "pulumi.com/waitFor"
_SKIP: Final = "pulumi.com/skipAwait"
_JSONPATH: Final = re.compile(r"jsonpath=\{?\.?(?P<path>[^}=]+)\}?(=(?P<value>.*))?")

_STEP: Final = re.compile(r"(?<!\\)\.")
"""What stands between two steps of a path; a dot inside a name is escaped."""


class FailedError(Exception):
    """The object will never be ready as it is."""


def pending_reason(found: Object, annotations: Mapping[str, str]) -> str:
    """Why an object is not ready yet, or `READY`.

    Workloads must have rolled out, a Job must be complete, a CRD established. For other kinds being there is
    enough, unless the annotation `pulumi.com/waitFor` names a condition.

    Args:
        found: the object as the API server has it.
        annotations: the program's own.

    Raises:
        FailedError: when it has failed for good.
    """
    if annotations.get(_SKIP, "").lower() == "true":
        return READY
    if _WAIT_FOR in annotations:
        return _declared(found, annotations[_WAIT_FOR])
    if str(found.get("apiVersion")).startswith(f"{FLINK_GROUP}/"):
        # The program itself waits for these. Of one that is suspended the operator takes in no change.
        return READY
    status = cast("Object", found.get("status") or {})
    if found["metadata"].get("generation", 0) > status.get(
        "observedGeneration", found["metadata"].get("generation", 0)
    ):
        return "its controller has not seen it yet"
    kind = str(found["kind"])
    if kind in ("Deployment", "StatefulSet"):
        wanted = int(cast("Object", found.get("spec") or {}).get("replicas", 1))
        return _rolled_out(status, wanted, "availableReplicas" if kind == "Deployment" else "readyReplicas")
    if kind == "DaemonSet":
        return _rolled_out(
            status, int(status.get("desiredNumberScheduled", 0)), "numberReady", "updatedNumberScheduled"
        )
    if kind == "Job":
        failed = _condition(status, "Failed")
        if failed.get("status") == "True":
            raise FailedError(str(failed.get("message") or "the Job failed"))
        return READY if _condition(status, "Complete").get("status") == "True" else "it is not complete"
    if kind == "ResourceQuota":
        hard, used = (cast("Object", status.get(part) or {}) for part in ("hard", "used"))
        wanted = cast("Object", cast("Object", found["spec"]).get("hard") or {})
        return READY if hard == wanted and used.keys() >= wanted.keys() else "the cluster has not begun to count"
    if kind == "CustomResourceDefinition":
        return READY if _condition(status, "Established").get("status") == "True" else "it is not established"
    return READY


def trouble(cluster: Cluster, namespace: str) -> list[str]:
    """Why pods in a namespace do not run, a line each: in the kubelet's or the scheduler's own words.

    Empty when the cluster cannot be asked: this is an extra, and what is waited for fails by itself.
    """
    try:
        return _trouble(cluster, namespace)
    except (CommandError, pulumi.RunError):
        return []


def _trouble(cluster: Cluster, namespace: str) -> list[str]:
    lines: list[str] = []
    warnings: dict[str, str] | None = None
    for pod in cluster.items("pods", namespace):
        name = str(pod["metadata"]["name"])
        status = cast("Object", pod.get("status") or {})
        if status.get("phase") == "Succeeded" or _condition(status, "Ready").get("status") == "True":
            continue
        reason = _pod_reason(status)
        if not reason or reason in ("ContainerCreating", "PodInitializing"):
            if warnings is None:
                warnings = _warnings(cluster, namespace)
            reason = warnings.get(name) or reason
        lines.append(f"pod {namespace}/{name}: {reason or 'not ready yet'}")
    return sorted(lines)


def what_blocks(found: Object) -> str:
    """Why an object that is being deleted is still there."""
    metadata = cast("Object", found["metadata"])
    status = cast("Object", found.get("status") or {})
    finalizers = cast("Sequence[str]", metadata.get("finalizers") or [])
    reasons = [f"waits for the finalizer {name}" for name in finalizers]
    for condition in cast("Sequence[Object]", status.get("conditions") or []):
        if found["kind"] == "Namespace" and condition.get("status") == "True":
            reasons.append(str(condition.get("message")))
    if not metadata.get("deletionTimestamp"):
        reasons.append("is not being deleted")
    return "; ".join(reasons) or "is being deleted"


def _declared(found: Object, annotation: str) -> str:
    wanted = cast("list[str]", json.loads(annotation)) if annotation.startswith("[") else [annotation]
    for text in wanted:
        if text.startswith("condition="):
            kind, _, value = text.removeprefix("condition=").partition("=")
            status = cast("Object", found.get("status") or {})
            if str(_condition(status, kind).get("status", "")).lower() != (value or "true").lower():
                return f"its condition {kind} is not {value or 'True'}"
            continue
        match = _JSONPATH.fullmatch(text)
        if match is None:
            raise FailedError(f"{_WAIT_FOR} cannot be read: {text}")
        value = _at(found, [step.replace(r"\.", ".") for step in _STEP.split(match["path"])])
        if value is None or (match["value"] is not None and str(value) != match["value"]):
            return f"{match['path']} is {value}, not {match['value'] or 'set'}"
    return READY


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = cast("Object", value).get(name) if isinstance(value, dict) else None
    return value


def _rolled_out(status: Object, wanted: int, ready: str, updated: str = "updatedReplicas") -> str:
    have = min(int(status.get(ready, 0)), int(status.get(updated, 0)))
    return READY if have >= wanted else f"{have} of {wanted} pods are ready"


def _condition(status: Object, kind: str) -> Object:
    conditions = cast("Sequence[Object]", status.get("conditions") or [])
    none: Object = {}
    return next((condition for condition in conditions if condition.get("type") == kind), none)


def _pod_reason(status: Object) -> str:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return str(scheduled.get("message") or scheduled.get("reason"))
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in cast("Sequence[Object]", status.get(group) or []):
            waiting = cast("Object", cast("Object", container.get("state") or {}).get("waiting") or {})
            if waiting:
                return ": ".join(str(waiting[part]) for part in ("reason", "message") if waiting.get(part))
    return ""


def _warnings(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The newest warning event of each pod."""
    events = cluster.items("events", namespace, "--field-selector=type=Warning,involvedObject.kind=Pod")
    events.sort(key=lambda event: str(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp")))
    return {str(event["involvedObject"]["name"]): str(event.get("message")) for event in events}
