"""The maintenance of a node with a budget: `kubectl drain` evicts the TaskManagers one after the other.

The sandbox has one node, so the test requests the evictions of a drain by the same API, and no node is closed.
"""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.e2e.reader import read, reader
from tests.e2e.running_totals import NAMESPACE, RATE, RunningTotals
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget"


@pytest.fixture
def job(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningTotals]:
    """The job with two TaskManagers, of which one may be stopped; it has written output."""
    job = RunningTotals(kubectl, tmp_path_factory.mktemp("availability"), lambda: read(kubectl))
    job.up(
        enabled=True,
        parallelism=2,
        parameters={"rate": RATE},
        availability={"maxUnavailable": 1},
        flinkConfiguration={"execution.checkpointing.interval": "1 s", "taskmanager.numberOfTaskSlots": "1"},
    )
    with reader(kubectl):
        job.exact(beyond=RATE)
        job.seen_running()
        yield job


def evict(kubectl: Kubectl, pod: str) -> bool:
    """Request the eviction of a pod; whether its budget allows it."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    result = kubectl.try_run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction).encode())
    error = result.stderr.decode()
    assert result.returncode == 0 or REFUSED in error, error
    return result.returncode == 0


def test_a_drain_stops_one_taskmanager_at_a_time_and_loses_no_record(job: RunningTotals, kubectl: Kubectl) -> None:
    first, second = until("two TaskManagers", lambda: names if len(names := job.pods("taskmanager")) == 2 else None)
    with step("the budget allows the eviction of one"):
        until("an allowed eviction", lambda: evict(kubectl, first))
        assert not evict(kubectl, second)
    with step("the other one is evicted when the first one is replaced"):
        until("a further eviction", lambda: evict(kubectl, second), state=lambda: job.pods("taskmanager"))
        assert [name for name in job.pods("taskmanager") if name not in (first, second)]
    with step("the job continues with two others, and its output is exact"):
        until("two others", lambda: len(set(job.pods("taskmanager")) - {first, second}) == 2)
        job.goes_on()
