"""Admission errors of a job's pods: by quota, limits or Pod Security of the namespace.

Kubernetes does not create such a pod. The reason is in the Deployment of a JobManager; for a TaskManager it is only in
the JobManager's log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flink_k8s.facts.mappings import condition

_FORBIDDEN = re.compile(r'pods "[^"\n]+" is forbidden: [^\n]*?(?=\. Received status| Received status|$)', re.MULTILINE)

_READY_SECONDS = 15
"""Time after which a healthy job has TaskManagers."""


def is_waiting_for_workers(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is a JobManager that has been ready for a while, so its log may contain admission errors."""
    if (pod["metadata"].get("labels") or {}).get("component") != "jobmanager":
        return False
    ready = condition(pod, "Ready")
    if ready is None:
        return False
    since = datetime.fromisoformat(str(ready["lastTransitionTime"]))
    return (datetime.now(UTC) - since).total_seconds() >= _READY_SECONDS


def replica_failure(deployment: Mapping[str, Any]) -> str:
    """The API server's message if a Deployment cannot create pods, else empty."""
    failure = condition(deployment, "ReplicaFailure")
    return "" if failure is None else str(failure.get("message") or failure.get("reason"))


def refused_worker(log: str) -> str:
    """The last admission error in the log of a JobManager; empty if there is none."""
    errors = _FORBIDDEN.findall(log)
    return str(errors[-1]).strip() if errors else ""
