"""Readiness of objects, and why something is not ready or not gone."""

from __future__ import annotations

from typing import Any, cast

import pytest

from local.cluster import Cluster, is_absent, is_transient
from local.ledger import duration
from local.waiting import FailedError, pending_reason, trouble, what_blocks


def found(kind: str, status: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x", "generation": 2}, "status": status, **more}


def condition(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (found("ConfigMap", {}), ""),
        (found("PersistentVolumeClaim", {"phase": "Pending"}), ""),
        (
            found("Deployment", {"observedGeneration": 1, "availableReplicas": 1, "updatedReplicas": 1}),
            "its controller",
        ),
        (found("Deployment", {"observedGeneration": 2}), "0 of 1 pods are ready"),
        (
            found("Deployment", {"availableReplicas": 2, "updatedReplicas": 1}, spec={"replicas": 2}),
            "1 of 2 pods are ready",
        ),
        (found("Deployment", {"availableReplicas": 1, "updatedReplicas": 1}), ""),
        (found("Deployment", {}, spec={"replicas": 0}), ""),
        (found("StatefulSet", {"readyReplicas": 1, "updatedReplicas": 1}), ""),
        (found("DaemonSet", {"desiredNumberScheduled": 1, "numberReady": 0}), "0 of 1 pods are ready"),
        (found("Job", {}), "it is not complete"),
        (found("Job", condition("Complete")), ""),
        (found("ResourceQuota", {}, spec={"hard": {"pods": "3"}}), "the cluster has not begun to count"),
        (
            found("ResourceQuota", {"hard": {"pods": "3"}, "used": {}}, spec={"hard": {"pods": "3"}}),
            "the cluster has not begun to count",
        ),
        (
            found("ResourceQuota", {"hard": {"pods": "2"}, "used": {"pods": "0"}}, spec={"hard": {"pods": "3"}}),
            "the cluster has not begun to count",
        ),
        (found("ResourceQuota", {"hard": {"pods": "3"}, "used": {"pods": "0"}}, spec={"hard": {"pods": "3"}}), ""),
        (found("CustomResourceDefinition", {}), "it is not established"),
        (found("CustomResourceDefinition", condition("Established")), ""),
    ],
)
def test_readiness(body: dict[str, Any], reason: str) -> None:
    assert pending_reason(body, {}).startswith(reason)
    assert bool(pending_reason(body, {})) == bool(reason)


def test_a_failed_job_is_not_waited_for() -> None:
    with pytest.raises(FailedError, match="too often"):
        pending_reason(found("Job", condition("Failed", message="failed too often")), {})


@pytest.mark.parametrize(
    ("wait_for", "status", "reason"),
    [
        ("jsonpath={.status.phase}=Bound", {"phase": "Pending"}, "status.phase is Pending, not Bound"),
        ("jsonpath={.status.phase}=Bound", {"phase": "Bound"}, ""),
        (r"jsonpath={.status.used.count/jobs\.batch}", {"used": {"count/jobs.batch": "0"}}, ""),
        (
            r'["jsonpath={.status.used.count/jobs\\.batch}"]',
            {"used": {"count/jobs": {"batch": "0"}}},
            r"status.used.count/jobs\.batch is None, not set",
        ),
        ("jsonpath={.status.loadBalancer.ingress}", {}, "status.loadBalancer.ingress is None, not set"),
        ("condition=Ready", condition("Ready", "False"), "its condition Ready is not True"),
        ("condition=Ready", condition("Ready"), ""),
        ('["condition=Ready", "jsonpath={.status.a}=b"]', condition("Ready"), "status.a is None, not b"),
    ],
)
def test_declared_readiness(wait_for: str, status: dict[str, Any], reason: str) -> None:
    assert pending_reason(found("Thing", status), {"pulumi.com/waitFor": wait_for}) == reason


def test_skipped_readiness() -> None:
    assert pending_reason(found("Job", {}), {"pulumi.com/skipAwait": "true"}) == ""


class Pods:
    """Answers as a cluster with these pods and events would."""

    def __init__(self, pods: list[Any], events: list[Any] | None = None) -> None:
        self._lists = {"pods": pods, "events": events or []}

    def items(self, resource: str, _namespace: str, *_: str) -> list[Any]:
        return self._lists[resource]


def test_trouble_is_told_in_the_clusters_own_words() -> None:
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    creating = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    pods = [
        {"metadata": {"name": "a"}, "status": condition("Ready")},
        {"metadata": {"name": "b"}, "status": condition("PodScheduled", "False", message="0/1 nodes: no cpu")},
        {"metadata": {"name": "c"}, "status": {"containerStatuses": [waiting]}},
        {"metadata": {"name": "d"}, "status": {"containerStatuses": [creating]}},
        {"metadata": {"name": "e"}, "status": {"phase": "Succeeded"}},
        {"metadata": {"name": "f"}, "status": {}},
    ]
    events = [
        {"metadata": {}, "lastTimestamp": "2", "involvedObject": {"name": "d"}, "message": "no such volume"},
        {"metadata": {}, "lastTimestamp": "1", "involvedObject": {"name": "d"}, "message": "older"},
    ]
    assert trouble(cast("Cluster", Pods(pods, events)), "n") == [
        "pod n/b: 0/1 nodes: no cpu",
        "pod n/c: ErrImagePull: not found",
        "pod n/d: no such volume",
        "pod n/f: not ready yet",
    ]


def test_what_blocks_a_deletion() -> None:
    job = {"kind": "Job", "metadata": {"deletionTimestamp": "t", "finalizers": ["a/b", "c/d"]}}
    assert what_blocks(job) == "waits for the finalizer a/b; waits for the finalizer c/d"
    namespace = {
        "kind": "Namespace",
        "metadata": {"deletionTimestamp": "t"},
        "status": condition("NamespaceContentRemaining", message="flinkdeployments has 1 instance"),
    }
    assert what_blocks(namespace) == "flinkdeployments has 1 instance"
    assert what_blocks({"kind": "Job", "metadata": {}}) == "is not being deleted"


@pytest.mark.parametrize(
    "error",
    [
        "The connection to the server 1.2.3.4:6443 was refused - connection refused",
        'Internal error occurred: failed calling webhook "x": no endpoints available for service',
        'resource mapping not found: no matches for kind "PodMonitor"\nensure CRDs are installed first',
        "unable to create new content in namespace x because it is being terminated",
    ],
)
def test_errors_that_pass(error: str) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error", ["(Forbidden): denied", "admission webhook denied the request: bad name", "(Invalid)"]
)
def test_errors_that_stay(error: str) -> None:
    assert not is_transient(error)


def test_absent() -> None:
    assert is_absent('Error from server (NotFound): namespaces "x" not found')
    assert is_absent('error: the server doesn\'t have a resource type "toys"')
    assert not is_absent("connection refused")


def test_durations() -> None:
    assert [duration(text) for text in ("1h5m30s", "5m", "90s", "", "soon")] == [3930, 300, 90, 0, 0]


def test_flinks_resources_are_the_programs_to_wait_for() -> None:
    body = found("FlinkDeployment", {"observedGeneration": 1}, apiVersion="flink.apache.org/v1beta1")
    assert pending_reason(body, {}) == ""
