"""When a status counts: what may pass is given time, once."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from flink_k8s.health import job_status as verdicts
from flink_k8s.health import waiting as waitings
from flink_k8s.health.job_status import verdict
from flink_k8s.health.waiting import Waiting
from tests.unit.health.statuses import CONFIGURATION, blue_green, deployment, exception

RESOURCE: Any = None


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def info(text: str, resource: Any = None) -> None:
        pass

    monkeypatch.setattr(pulumi.log, "info", info)


def _waiting(*, restarts_itself: bool = False) -> Waiting:
    return Waiting("job flink/a", RESOURCE, restarts_itself)


def test_what_flink_refuses_is_not_given_the_time_of_a_restart():
    refused = verdict("FlinkDeployment", deployment("FAILED", error=exception("E", "x", (CONFIGURATION, "no"))))
    failed = verdict("FlinkDeployment", deployment("FAILED", error=exception("E", "x")))
    assert _waiting(restarts_itself=True).judge(refused, 100.0) <= 0
    assert _waiting(restarts_itself=True).judge(failed, 100.0) == waitings.RESTART_SECONDS


def test_a_failure_of_the_spec_before_does_not_count_for_this_one():
    waiting = _waiting()
    old = verdict("FlinkDeployment", deployment("DEPLOYED", observed=1, error="a bad image"))
    passing = verdict(
        "FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="no ConfigMap")
    )
    assert waiting.judge(old, 100.0) == verdicts.RECOVERY_SECONDS
    assert waiting.judge(passing, 155.0) == verdicts.RECOVERY_SECONDS


def test_a_failure_long_ago_does_not_count_with_a_new_one():
    waiting = _waiting()
    passing = verdict(
        "FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="no ConfigMap")
    )
    deploying = verdict("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING"))
    assert waiting.judge(passing, 100.0) == verdicts.RECOVERY_SECONDS
    assert waiting.judge(deploying, 101.0) == float("inf")
    assert waiting.judge(passing, 120.0) == verdicts.RECOVERY_SECONDS - 20
    assert waiting.judge(deploying, 121.0) == float("inf")
    assert waiting.judge(passing, 300.0) == verdicts.RECOVERY_SECONDS


def test_ready_counts_when_it_has_lasted(monkeypatch: pytest.MonkeyPatch):
    """A status of the old spec is not taken for the new one's; one that the operator leaves as it is, is."""
    monkeypatch.setattr(verdicts, "OBSERVE_SECONDS", 0.3)
    waiting = _waiting()
    ready = verdict("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", "RUNNING", written="5", recorded="2"))
    moving = verdict("FlinkBlueGreenDeployment", blue_green("TRANSITIONING_TO_GREEN", "RECONCILING"))
    assert waiting.judge(ready, 10.0) == pytest.approx(0.3)
    assert waiting.judge(moving, 10.2) == float("inf")
    assert waiting.judge(ready, 10.4) == pytest.approx(0.3)
    assert waiting.judge(ready, 10.8) < 0


def test_a_job_that_failed_again_after_its_restart_has_failed():
    waiting = _waiting(restarts_itself=True)
    failed, deployed = (
        verdict("FlinkDeployment", deployment("FAILED")),
        verdict("FlinkDeployment", deployment("DEPLOYED")),
    )
    assert waiting.judge(failed, 100.0) == waitings.RESTART_SECONDS
    assert waiting.judge(failed, 110.0) == waitings.RESTART_SECONDS - 10
    assert waiting.judge(deployed, 115.0) == float("inf")
    assert waiting.judge(failed, 118.0) <= 0
    assert _waiting().judge(failed, 100.0) <= 0
