"""Jobs that cannot start, under the real operator: `up` fails long before its time is out, with that job's own reason.

The same job is broken in one way after the other, its operator stays; in the end a corrected `up` works.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.e2e.other_kinds import REFUSED_BY_FLINK
from tests.project import ROOT, Done, Project, pod_names
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

JOB = "running-totals"
JOB_FILE = "running_totals.yaml"
LATE = """\
/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
parallelism: 1
upgradeMode: stateless
jobManager: {memory: 1600m, cpu: 0.2}
taskManager: {memory: 1600m, cpu: 0.2}
flinkConfiguration: {restart-strategy.type: none}
spec: {imagePullPolicy: IfNotPresent}
*/
CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000');
CREATE TABLE quotients (quotient BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO quotients SELECT 1 / (30 - id) FROM numbers;
"""
"""A job that divides by zero 30 seconds after its start: `up` finds it ready before, and then waits for another job."""

SOON = 300
"""Seconds, half of `jobTimeout`: an `up` that ends within them has seen why, and not waited until its time was out."""


@pytest.fixture(scope="module")
def platform(no_stack: None, engine: Project) -> Project:
    """A copy of the project with the streaming job alone, not up."""
    return engine.copy({JOB_FILE: (ROOT / "jobs" / JOB_FILE).read_text()})


def up(platform: Project, *variables: str, **settings: object) -> Done:
    """`make up` with these settings of the job; little CPU, since the sandbox may have two."""
    small = {"jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}, "parameters": {"rate": 10}}
    return platform.make("up", "", *variables, jobs={JOB: {"enabled": True, **small, **settings}})


def last_words(result: Done) -> str:
    """The error that `up` ended with; it names the job."""
    assert result.code != 0, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.output.splitlines() if f"error: job flink/{JOB} " in line]
    assert lines, result.output
    return lines[0]


def test_memory_that_flink_refuses_is_reported_before_anything_is_created(platform: Project, kubectl: Kubectl):
    result = up(platform, taskManager={"cpu": 0.2, "memory": "300m"})
    assert result.code != 0
    assert 'taskManager.memory: is "300m", with which Flink does not start' in result.output
    assert kubectl.get("namespace", "flink") is None


def test_up_fails_with_the_reason_of_a_job_that_never_ran(platform: Project, kubectl: Kubectl):
    with step("up fails with the error of a setting that Flink refuses"):
        result = up(platform, flinkConfiguration=REFUSED_BY_FLINK)
        words = last_words(result)
        assert "TaskManager memory configuration failed" in words
        assert "a positive number of CPU cores" in words
        assert result.seconds < SOON

    with step("the next up fails with it, too"):
        assert "memory configuration failed" in last_words(up(platform, flinkConfiguration=REFUSED_BY_FLINK))

    with step("up fails with the error of an image that does not exist"):
        result = up(platform, image="pyflink:not-there")
        words = last_words(result)
        assert "ImagePull" in words
        assert "pyflink:not-there" in words
        assert "FailedMount" not in words  # what the operator saw first, and goes on saying
        assert result.seconds < SOON

    with step("up names the remedy if the operator takes the job for one that ran"):
        # The operator knows it by the JobManager's Available, False since the second in which it was made.
        # A pod that comes a moment later is enough; here it comes again.
        for replicas in (0, 1):
            kubectl.run("scale", f"deployment/{JOB}", "-n", "flink", f"--replicas={replicas}")
            until(f"{replicas} pods", partial(has_pods, kubectl, replicas))
            if not replicas:  # none of none is there: that is what has to be seen
                kubectl.run("wait", "--for=condition=Available", f"deployment/{JOB}", "-n", "flink", "--timeout=60s")
        until("the operator saw it", lambda: status(kubectl)["jobManagerDeploymentStatus"] == "ERROR")
        words = last_words(up(platform))
        assert "HA metadata is not available" in words
        assert "run `make up ALLOW=<job>` with `enabled: false`, and then without both" in words

    with step("removed and created again, the job runs"):
        result = up(platform, f"ALLOW={JOB}", enabled=False)
        assert result.code == 0, result.output
        result = up(platform)
        assert result.code == 0, result.output
        assert status(kubectl)["jobStatus"]["state"] == "RUNNING"


def test_up_fails_with_the_reason_of_a_job_that_cannot_start_its_change(platform: Project, kubectl: Kubectl):
    with step("up fails with the reason that a TaskManager fits on no node"):
        result = up(platform, taskManager={"cpu": 0.2, "memory": "900g"})
        words = last_words(result)
        assert "Unschedulable" in words
        assert "Insufficient memory" in words
        assert f"pod {JOB}-taskmanager-" in words
        assert result.seconds < SOON

    with step("corrected, the job runs"):
        result = up(platform)
        assert result.code == 0, result.output
        assert status(kubectl)["jobStatus"]["state"] == "RUNNING"

    with step("a running job is given a setting that Flink refuses"):
        # The operator has stopped it with a savepoint by then, and calls it UPGRADING from then on.
        result = up(platform, flinkConfiguration=REFUSED_BY_FLINK)
        assert "TaskManager memory configuration failed" in last_words(result)
        assert result.seconds < SOON
        result = up(platform)
        assert result.code == 0, result.output
        restored = until("a savepoint", lambda: status(kubectl)["jobStatus"].get("upgradeSavepointPath"))
        assert restored


def test_up_fails_with_the_error_of_a_job_that_fails_while_it_waits_for_another(platform: Project):
    platform.write("late.sql", LATE)
    wait = {"name": "wait", "image": "pyflink:dev", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "45"]}
    starts_later = {"jobManager": {"podTemplate": {"spec": {"initContainers": [wait]}}}}
    result = up(platform, after=["late"], restartNonce=2, spec=starts_later)
    assert result.code != 0, result.output
    assert "1 job failed after being ready" in result.output
    [error] = [line for line in result.output.splitlines() if "error: job flink/late " in line]
    assert "by zero" in error


def has_pods(kubectl: Kubectl, count: int) -> bool:
    """Whether the JobManager has so many, those that are going not among them."""
    return len(pod_names(kubectl, "flink", f"app={JOB},component=jobmanager")) == count


def status(kubectl: Kubectl) -> dict[str, Any]:
    return (kubectl.get("flinkdeployment", JOB, "-n", "flink") or {})["status"]
