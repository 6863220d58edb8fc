"""Errors of the API server for pods that it rejects."""

# ruff: noqa: E501 - a log line is as long as it is
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flink_k8s.health.failure_reason import is_waiting_for_workers, refused_worker, replica_failure

QUOTA = (
    'pods "wc-taskmanager-1-1" is forbidden: exceeded quota: quota, requested: requests.cpu=2, '
    "used: requests.cpu=1, limited: requests.cpu=2"
)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({}, ""),
        ({"conditions": [{"type": "Available", "status": "False", "message": "no pods"}]}, ""),
        ({"conditions": [{"type": "ReplicaFailure", "status": "False", "message": QUOTA}]}, ""),
        ({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]}, QUOTA),
        ({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]}, "FailedCreate"),
    ],
)
def test_a_deployment_without_pods(status: dict[str, Any], message: str) -> None:
    assert replica_failure({"status": status}) == message


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("", ""),
        ("2026-11-23 WARN Reaching max start worker failure rate\nall is well\n", ""),
        (
            f"java.util.concurrent.CompletionException: Message: {QUOTA}. Received status: Status(apiVersion=v1)\n",
            QUOTA,
        ),
        (f"at x\nMessage: {QUOTA.replace('=2,', '=3,')}. Received status: S\nMessage: {QUOTA}.\n", f"{QUOTA}."),
        (
            'pods "wc-taskmanager-1-1" is forbidden: violates PodSecurity "restricted:v1.34": unrestricted capabilities\n',
            'pods "wc-taskmanager-1-1" is forbidden: violates PodSecurity "restricted:v1.34": unrestricted capabilities',
        ),
        ('configmaps "x" is forbidden: User "y" cannot get resource\n', ""),
    ],
)
def test_a_jobmanagers_log(log: str, message: str) -> None:
    assert refused_worker(log) == message


@pytest.mark.parametrize(
    ("component", "ready", "seconds", "is_requested"),
    [
        ("jobmanager", "True", 60, True),
        ("jobmanager", "True", 1, False),
        ("jobmanager", "False", 60, False),
        ("taskmanager", "True", 60, False),
    ],
)
def test_log_is_read_only_of_a_ready_jobmanager(component: str, ready: str, seconds: int, is_requested: bool) -> None:
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
    pod = {"metadata": {"labels": {"component": component}}, "status": {"conditions": [condition]}}
    assert is_waiting_for_workers(pod) is is_requested
