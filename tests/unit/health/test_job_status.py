"""What counts as ready and failed, and how long it has to be so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flink_k8s.health import job_status
from flink_k8s.health.job_status import evaluate, is_observed
from tests.unit.health.statuses import CONFIGURATION, blue_green, deployment, exception

RECONCILED = json.dumps({"spec": {}, "resource_metadata": {"metadata": {"generation": 2}}})


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("FlinkDeployment", deployment("STABLE"), "ready"),
        ("FlinkSessionJob", deployment("STABLE"), "ready"),
        ("FlinkDeployment", deployment("FAILED"), "failed"),
        ("FlinkDeployment", deployment("ROLLED_BACK"), "failed"),
        ("FlinkDeployment", deployment("DEPLOYED"), "waiting"),
        ("FlinkDeployment", deployment("UPGRADING"), "waiting"),
        # STABLE or FAILED of the old spec does not apply to the new one.
        ("FlinkDeployment", deployment("STABLE", observed=1), "waiting"),
        ("FlinkDeployment", deployment("FAILED", observed=1), "waiting"),
        ("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING", error="passing"), "waiting"),
        ("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off"), "failed"),
        # Flink restarts it: the operator goes on calling it STABLE.
        ("FlinkDeployment", deployment("STABLE", jobStatus={"state": "RUNNING"}), "ready"),
        ("FlinkDeployment", deployment("STABLE", jobStatus={"state": "FINISHED"}), "ready"),
        ("FlinkDeployment", deployment("STABLE", jobStatus={"state": "RESTARTING"}), "waiting"),
        ("FlinkDeployment", deployment("STABLE", jobStatus={"state": "RECONCILING"}), "waiting"),
        # A session cluster has no job.
        ("FlinkDeployment", {**deployment("STABLE", jobStatus={"state": "RECONCILING"}), "spec": {}}, "ready"),
        # The operator tries an upgrade again and again, and never calls it FAILED.
        ("FlinkDeployment", deployment("UPGRADING", error="etcd is slow"), "failed"),
        ("FlinkDeployment", deployment("STABLE", observed=1, error="refused"), "failed"),
        ("FlinkDeployment", {"metadata": {"name": "a", "generation": 1}}, "waiting"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "COMPLETED"}}, "ready"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "TRIGGER_PENDING"}}, "waiting"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "FAILED"}}, "failed"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "ABANDONED"}}, "failed"),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "ACTIVE_GREEN", "jobStatus": {"state": "RUNNING"}}},
            "ready",
        ),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "TRANSITIONING_TO_BLUE", "jobStatus": {"state": "RUNNING"}}},
            "waiting",
        ),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "ACTIVE_BLUE", "jobStatus": {"state": "FAILING"}}},
            "failed",
        ),
    ],
)
def test_evaluated_status(kind: str, status: dict[str, Any], state: str):
    assert evaluate(kind, status).state == state


SUSPENDED = {"metadata": {}, "status": {"blueGreenState": "ACTIVE_BLUE", "jobStatus": {"state": "SUSPENDED"}}}


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("FlinkDeployment", deployment("SUSPENDED", jobStatus={"state": "FINISHED"}), "ready"),
        ("FlinkSessionJob", deployment("SUSPENDED"), "ready"),
        ("FlinkDeployment", deployment("SUSPENDED", observed=1), "waiting"),
        ("FlinkDeployment", deployment("STABLE", jobStatus={"state": "RUNNING"}), "waiting"),
        ("FlinkDeployment", deployment("UPGRADING"), "waiting"),
        ("FlinkDeployment", deployment("UPGRADING", error="no savepoint"), "failed"),
        ("FlinkBlueGreenDeployment", SUSPENDED, "ready"),
        ("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", "RUNNING"), "waiting"),
    ],
)
def test_suspended_job_is_ready_when_it_is_suspended(kind: str, status: dict[str, Any], state: str):
    assert evaluate(kind, status, suspended=True).state == state


def test_resumed_job_is_not_ready_while_it_is_suspended():
    assert evaluate("FlinkDeployment", deployment("SUSPENDED")).state == "waiting"
    assert evaluate("FlinkBlueGreenDeployment", SUSPENDED).state == "waiting"


@pytest.mark.parametrize(
    ("status", "delay"),
    [
        (deployment("UPGRADING", error="etcd is slow"), job_status.RECOVERY_SECONDS),
        (deployment("UPGRADING", error=exception("E", "x", (CONFIGURATION, "too little memory"))), 0),
        # Both may be of the spec before: the operator has not taken this one over.
        (deployment("STABLE", observed=1, error="no savepoint"), job_status.RECOVERY_SECONDS),
        (deployment("STABLE", observed=1, error=exception("ValidationException", "no")), job_status.OBSERVE_SECONDS),
        (
            deployment("UPGRADING", observed=1, error=exception("E", "x", (CONFIGURATION, "too little memory"))),
            job_status.RECOVERY_SECONDS,
        ),
    ],
)
def test_grace_period_of_an_error(status: dict[str, Any], delay: float):
    judged = evaluate("FlinkDeployment", status)
    assert (judged.state, judged.delay) == ("failed", delay)


def test_generation_of_operators_before_1_9_is_in_the_reconciled_spec():
    old = deployment("STABLE", observed=None, reconciliationStatus={"lastReconciledSpec": RECONCILED})
    assert is_observed(old)
    assert not is_observed({**old, "metadata": {"name": "a", "generation": 3}})
    assert not is_observed(deployment("STABLE", observed=None, reconciliationStatus={"lastReconciledSpec": "{"}))


@pytest.mark.parametrize("job_state", ["RUNNING", "FAILING"])
def test_a_blue_green_deployment_that_was_changed_is_given_time_to_begin(job_state: str):
    """ACTIVE_BLUE can be the status of the previous spec: it contains no generation."""
    old = evaluate("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state, written="5", recorded="2"))
    new = evaluate("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state, written="5", recorded="5"))
    assert (old.delay, new.delay) == (job_status.OBSERVE_SECONDS, 0)
    assert evaluate("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state)).delay > 0
    assert old.state == new.state == {"RUNNING": "ready", "FAILING": "failed"}[job_state]


@pytest.mark.parametrize(
    ("declared", "reconciled", "is_same"),
    [
        ({"job": {"parallelism": 2}}, {"job": {"parallelism": 2, "state": "running"}, "mode": "native"}, True),
        ({"job": {"parallelism": 2}}, {"job": {"parallelism": 1}}, False),
        ({"jobManager": {"resource": {"cpu": 1}}}, {"jobManager": {"resource": {"cpu": 1.0}}}, True),
        ({"flinkConfiguration": {"a.b": "1", "a.c": "x"}}, {"flinkConfiguration": {"a": {"b": "1", "c": "x"}}}, True),
        ({"restartNonce": 1700000002}, {"restartNonce": 1700000001}, False),
        ({"flinkConfiguration": {"a": True}}, {"flinkConfiguration": {"a": "true"}}, True),
        ({"job": {"args": ["a", "b"]}}, {"job": {"args": ["a"]}}, False),
        # What only takes away is a change, too.
        ({"job": {"args": ["a"]}}, {"job": {"args": ["a", "b"]}}, False),
        ({"flinkConfiguration": {"a.b": "1"}}, {"flinkConfiguration": {"a": {"b": "1", "c": "x"}}}, False),
        ({"podTemplate": {"spec": {}}}, {"podTemplate": {"spec": {"containers": [{"name": "a"}]}}}, False),
        ({"restartNonce": None, "ingress": {}}, {}, True),
        ({"job": {}}, None, False),
    ],
)
def test_blue_green_spec_is_observed_when_it_is_reconciled(
    declared: dict[str, Any], reconciled: dict[str, Any] | None, *, is_same: bool
):
    status: dict[str, Any] = {"blueGreenState": "ACTIVE_BLUE", "jobStatus": {"state": "RUNNING"}}
    if reconciled is not None:
        status["lastReconciledSpec"] = json.dumps({"spec": {"template": {"spec": reconciled}}})
    settings = {"metadata": {"name": "a"}, "spec": {"template": {"spec": declared}}, "status": status}
    judged = evaluate("FlinkBlueGreenDeployment", settings)
    assert (judged.is_observed, judged.delay) == (is_same, 0 if is_same else job_status.OBSERVE_SECONDS)
