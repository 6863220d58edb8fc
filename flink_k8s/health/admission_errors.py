"""Why Kubernetes does not let a job's pods come into being: its namespace's quota, limits or Pod Security.

Such a pod is nowhere to be seen. For a JobManager its Deployment says so, for a TaskManager only Flink's log does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flink_k8s.facts.mappings import condition

_FORBIDDEN = re.compile(r'pods "[^"\n]+" is forbidden: [^\n]*?(?=\. Received status| Received status|$)', re.MULTILINE)

_READY_SECONDS = 15
"""A job that is well has its TaskManagers by then."""


def is_waiting_for_workers(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is a JobManager that has been ready for a while: what it has logged may be worth a request."""
    if (pod["metadata"].get("labels") or {}).get("component") != "jobmanager":
        return False
    ready = condition(pod, "Ready")
    if ready is None:
        return False
    since = datetime.fromisoformat(str(ready["lastTransitionTime"]))
    return (datetime.now(UTC) - since).total_seconds() >= _READY_SECONDS


def replica_failure(deployment: Mapping[str, Any]) -> str:
    """Why a Deployment gets no pods, in the API server's words; empty when it gets them."""
    failure = condition(deployment, "ReplicaFailure")
    return "" if failure is None else str(failure.get("message") or failure.get("reason"))


def refused_worker(log: str) -> str:
    """The last refusal of a pod that a JobManager has logged, empty when it has none."""
    found = _FORBIDDEN.findall(log)
    return str(found[-1]).strip() if found else ""
