"""When a status counts: what may pass is given time, once."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from flink_k8s.health import job_status, readiness
from flink_k8s.health.job_status import evaluate
from flink_k8s.health.readiness import WaitState
from tests.unit.health.statuses import CONFIGURATION, blue_green, deployment, exception

RESOURCE: Any = None


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def info(text: str, resource: Any = None) -> None:
        pass

    monkeypatch.setattr(pulumi.log, "info", info)


def _waiting(*, is_restarted_by_operator: bool = False) -> WaitState:
    return WaitState("job flink/a", RESOURCE, is_restarted_by_operator)


def test_configuration_that_flink_refuses_has_no_grace_period():
    refused = evaluate("FlinkDeployment", deployment("FAILED", error=exception("E", "x", (CONFIGURATION, "no"))))
    failed = evaluate("FlinkDeployment", deployment("FAILED", error=exception("E", "x")))
    assert _waiting(is_restarted_by_operator=True).update(refused, 100.0) <= 0
    assert _waiting(is_restarted_by_operator=True).update(failed, 100.0) == readiness.RESTART_SECONDS


def test_a_failure_of_the_spec_before_does_not_count_for_this_one():
    waiting = _waiting()
    old = evaluate("FlinkDeployment", deployment("DEPLOYED", observed=1, error="a bad image"))
    passing = evaluate(
        "FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="no ConfigMap")
    )
    assert waiting.update(old, 100.0) == job_status.RECOVERY_SECONDS
    assert waiting.update(passing, 155.0) == job_status.RECOVERY_SECONDS


def test_a_failure_long_ago_does_not_count_with_a_new_one():
    waiting = _waiting()
    passing = evaluate(
        "FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="no ConfigMap")
    )
    deploying = evaluate("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING"))
    assert waiting.update(passing, 100.0) == job_status.RECOVERY_SECONDS
    assert waiting.update(deploying, 101.0) == float("inf")
    assert waiting.update(passing, 120.0) == job_status.RECOVERY_SECONDS - 20
    assert waiting.update(deploying, 121.0) == float("inf")
    assert waiting.update(passing, 300.0) == job_status.RECOVERY_SECONDS


def test_ready_counts_when_it_has_lasted(monkeypatch: pytest.MonkeyPatch):
    """A status of the old spec is not taken for the new one's; one that the operator leaves as it is, is."""
    monkeypatch.setattr(job_status, "OBSERVE_SECONDS", 0.3)
    waiting = _waiting()
    ready = evaluate("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", "RUNNING", written="5", recorded="2"))
    moving = evaluate("FlinkBlueGreenDeployment", blue_green("TRANSITIONING_TO_GREEN", "RECONCILING"))
    assert waiting.update(ready, 10.0) == pytest.approx(0.3)
    assert waiting.update(moving, 10.2) == float("inf")
    assert waiting.update(ready, 10.4) == pytest.approx(0.3)
    assert waiting.update(ready, 10.8) < 0


def test_a_job_that_failed_again_after_its_restart_has_failed():
    waiting = _waiting(is_restarted_by_operator=True)
    failed, deployed = (
        evaluate("FlinkDeployment", deployment("FAILED")),
        evaluate("FlinkDeployment", deployment("DEPLOYED")),
    )
    assert waiting.update(failed, 100.0) == readiness.RESTART_SECONDS
    assert waiting.update(failed, 110.0) == readiness.RESTART_SECONDS - 10
    assert waiting.update(deployed, 115.0) == float("inf")
    assert waiting.update(failed, 118.0) <= 0
    assert _waiting().update(failed, 100.0) <= 0
