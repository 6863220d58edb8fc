"""A blue/green deployment fails with its new deployment, about which its status contains nothing."""

from __future__ import annotations

from typing import Any

import pytest

from flink_k8s.health import job_status
from flink_k8s.health.job_status import JobStatus, evaluate, with_next_deployment
from tests.unit.health.statuses import CONFIGURATION, blue_green, deployment, exception


def judged(state: str, job_state: str = "RUNNING", recorded: str = "5", **children: dict[str, Any]) -> JobStatus:
    actual = blue_green(state, job_state, written="5", recorded=recorded)
    deployments = {f"a-{color}": child for color, child in children.items()}
    return with_next_deployment(evaluate("FlinkBlueGreenDeployment", actual), actual, deployments)


FAILED = deployment("FAILED", error="no such script")


@pytest.mark.parametrize(
    ("state", "children"),
    [
        ("INITIALIZING_BLUE", {"blue": FAILED}),
        ("TRANSITIONING_TO_GREEN", {"blue": deployment("STABLE"), "green": FAILED}),
        ("TRANSITIONING_TO_BLUE", {"blue": FAILED, "green": deployment("STABLE")}),
    ],
)
def test_failed_new_deployment_fails_the_blue_green_deployment(state: str, children: dict[str, Any]):
    actual = judged(state, "RECONCILING", **children)
    assert (actual.state, actual.error.text) == ("failed", "no such script")
    assert "FAILED" in actual.shown
    assert state in actual.shown


@pytest.mark.parametrize(
    ("state", "children"),
    [
        ("TRANSITIONING_TO_GREEN", {"blue": FAILED, "green": deployment("DEPLOYED")}),
        ("TRANSITIONING_TO_GREEN", {"blue": deployment("STABLE")}),  # not made yet
        # Up, and not yet the active one.
        ("TRANSITIONING_TO_GREEN", {"green": deployment("STABLE")}),
        ("SAVEPOINTING_BLUE", {"blue": FAILED}),
    ],
)
def test_failed_old_deployment_does_not_fail_the_blue_green_deployment(state: str, children: dict[str, Any]):
    assert judged(state, **children).state == "waiting"


def test_an_active_one_is_ready_whatever_is_left_of_the_other():
    assert judged("ACTIVE_BLUE", blue=deployment("STABLE"), green=FAILED).state == "ready"


def test_blue_green_deployment_has_the_grace_period_of_its_deployment():
    child = deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off")
    assert judged("INITIALIZING_BLUE", blue=child).delay == evaluate("FlinkDeployment", child).delay > 0


def test_a_corrected_one_is_not_failed_by_the_spec_before():
    bad = exception("E", "x", (CONFIGURATION, "too little memory"))
    child = deployment("UPGRADING", error=bad)
    assert judged("TRANSITIONING_TO_BLUE", blue=child).delay == 0
    before = judged("TRANSITIONING_TO_BLUE", recorded="2", blue=child)
    assert (before.delay, before.is_observed) == (job_status.OBSERVE_SECONDS, False)
