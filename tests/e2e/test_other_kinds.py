"""Session clusters and jobs, blue/green deployments, snapshots: `up` waits for each, `destroy` deletes all.

One stack has them all; the real operator runs it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.deletions import deletions
from tests.e2e.other_kinds import (
    BLUE_GREEN,
    CLUSTER,
    REFUSED_BY_FLINK,
    SESSION_JOB,
    SNAPSHOT,
    blue_green,
    session_cluster,
    session_job,
    snapshot,
)
from tests.e2e.running_totals import RunningTotals
from tests.project import Project
from tests.steps import step

pytestmark = pytest.mark.full

FILES = {
    "cluster.yaml": session_cluster(),
    "report.yaml": session_job(),
    "shop.yaml": blue_green(),
    "snapshot.yaml": snapshot(),
}
INGRESS: dict[str, Any] = {
    "enabled": True,
    "className": "nginx",
    "template": "{{name}}.{{namespace}}.flink.test",
    "tls": {"clusterIssuer": "letsencrypt"},
    "annotations": {"nginx.ingress.kubernetes.io/auth-url": "https://auth.test/verify"},
    "controller": {"namespace": "ingress-nginx"},
}


@pytest.fixture(scope="module")
def platform(no_stack: None, engine: Project) -> Project:
    """A copy of the project with these job files, not up."""
    return engine.copy(FILES)


def test_each_kind_is_deployed_changed_suspended_and_destroyed(platform: Project, kubectl: Kubectl):
    with step("each resource is ready when up ends"):
        result = platform.make("up", ingress=INGRESS)
        assert result.code == 0, result.output
        assert status(kubectl, "flinkdeployment", CLUSTER)["lifecycleState"] == "STABLE"
        report = status(kubectl, "flinksessionjob", SESSION_JOB)
        assert (report["lifecycleState"], report["jobStatus"]["state"]) == ("STABLE", "RUNNING")
        shop = status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)
        assert (shop["blueGreenState"], shop["jobStatus"]["state"]) == ("ACTIVE_BLUE", "RUNNING")
        actual = status(kubectl, "flinkstatesnapshot", SNAPSHOT)
        assert actual["state"] == "COMPLETED"
        assert f"/flink/{SESSION_JOB}/savepoints/" in actual["path"]

    with step("make logs finds the pods of each kind"):
        for job, pods in ((SESSION_JOB, CLUSTER), (BLUE_GREEN, f"{BLUE_GREEN}-blue")):
            assert f"[pod/{pods}-" in platform.make("logs", "", f"JOB={job}").output

    with step("each resource is created when its dependency is ready"):
        # A session job is made when its cluster is ready, a snapshot when its job runs.
        output = {
            name: (kubectl.get(kind, name, "-n", "flink") or {})["metadata"]["creationTimestamp"]
            for kind, name in (
                ("flinkdeployment", CLUSTER),
                ("flinksessionjob", SESSION_JOB),
                ("flinkstatesnapshot", SNAPSHOT),
            )
        }
        [answers] = [
            condition["lastTransitionTime"] for condition in status(kubectl, "deployment", CLUSTER)["conditions"]
            if (condition["type"], condition["status"]) == ("Available", "True")
        ]  # fmt: skip
        assert output[CLUSTER] < answers <= output[SESSION_JOB] < output[SNAPSHOT]

    with step("each web interface has its ingress"):
        # No controller is here: what is asked is that the operator makes of the spec what users expect.
        assert ingresses(kubectl) == {CLUSTER: f"{CLUSTER}-rest", BLUE_GREEN: f"{BLUE_GREEN}-blue-rest"}
        shop = kubectl.get("ingress", BLUE_GREEN, "-n", "flink") or {}
        assert shop["metadata"]["annotations"].items() >= {
            **INGRESS["annotations"], "cert-manager.io/cluster-issuer": "letsencrypt",
        }.items()  # fmt: skip
        host = f"{BLUE_GREEN}.flink.flink.test"
        assert shop["spec"]["ingressClassName"] == "nginx"
        assert [rule["host"] for rule in shop["spec"]["rules"]] == [host]
        assert shop["spec"]["tls"] == [{"hosts": [host], "secretName": f"{BLUE_GREEN}-ingress-tls"}]

    with step("a session job that fails fails up with its own error"):
        platform.write("broken.yaml", session_job("broken", script="nope.py"))
        result = platform.make("up", ingress=INGRESS)
        platform.remove("broken.yaml")
        words = error_of(result.output, "broken")
        assert result.code != 0
        assert "nope.py" in words
        assert "\tat " not in result.output
        assert result.seconds < 60

    with step("a change switches from blue to green"):
        platform.write("shop.yaml", blue_green(env={"ROUND": "2"}))
        result = platform.make("up", "", "ALLOW=broken", ingress=INGRESS)
        assert result.code == 0, result.output
        assert status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)["blueGreenState"] == "ACTIVE_GREEN"
        green = kubectl.get("flinkdeployment", f"{BLUE_GREEN}-green", "-n", "flink") or {}
        assert green["status"]["jobStatus"]["state"] == "RUNNING"
        assert ingresses(kubectl)[BLUE_GREEN] == f"{BLUE_GREEN}-green-rest"
        assert "savepoint" in green["spec"]["job"]["initialSavepointPath"]  # it went on where blue was
        assert kubectl.get("flinksessionjob", "broken", "-n", "flink") is None

    with step("a change that fails fails up with its error and leaves green running"):
        platform.write("shop.yaml", blue_green(configuration=REFUSED_BY_FLINK, env={"ROUND": "3"}))
        result = platform.make("up", ingress=INGRESS)
        assert result.code != 0
        assert "TaskManager memory configuration failed" in error_of(result.output, BLUE_GREEN)
        assert result.seconds < 90
        assert status(kubectl, "flinkdeployment", f"{BLUE_GREEN}-green")["jobStatus"]["state"] == "RUNNING"

    with step("corrected, the change switches to blue"):
        platform.write("shop.yaml", blue_green(env={"ROUND": "3"}))
        result = platform.make("up", ingress=INGRESS)
        assert result.code == 0, result.output
        assert status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)["blueGreenState"] == "ACTIVE_BLUE"

    with step("suspended jobs stay suspended and resume from their savepoints"):
        blue = f"{BLUE_GREEN}-blue"
        result = platform.make("suspend", ingress=INGRESS)
        assert result.code == 0, result.output
        assert f"leave flink/{CLUSTER}: a session cluster" in result.output
        result = platform.make("up", ingress=INGRESS)
        assert result.code == 0, result.output
        assert "suspended until `make resume STACK=sandbox`: " in result.output
        assert status(kubectl, "flinksessionjob", SESSION_JOB)["lifecycleState"] == "SUSPENDED"
        assert status(kubectl, "flinkdeployment", blue)["lifecycleState"] == "SUSPENDED"
        assert status(kubectl, "flinkdeployment", CLUSTER)["lifecycleState"] == "STABLE"
        result = platform.make("resume", ingress=INGRESS)
        assert result.code == 0, result.output
        assert status(kubectl, "flinksessionjob", SESSION_JOB)["jobStatus"]["state"] == "RUNNING"
        shop = status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)
        assert (shop["blueGreenState"], shop["jobStatus"]["state"]) == ("ACTIVE_BLUE", "RUNNING")
        for cluster in (CLUSTER, blue):
            assert RunningTotals(kubectl, platform.root, list, name=cluster).restored()["is_savepoint"]

    with step("destroy deletes each resource before its dependency"):
        watched = {
            name: (kind, name, "-n", "flink")
            for kind, name in (
                ("flinkstatesnapshot", SNAPSHOT),
                ("flinksessionjob", SESSION_JOB),
                ("flinkdeployment", CLUSTER),
            )
        }
        with deletions(kubectl, watched) as deleted:
            result = platform.make("destroy")
        assert result.code == 0, result.output
        assert deleted == list(watched)
        remaining = json.loads(kubectl.run("get", "namespaces", "-o", "json"))["items"]
        assert not {item["metadata"]["name"] for item in remaining} & {"flink", "flink-operator"}


def test_kinds_that_the_operator_lacks_are_reported_before_anything_is_created(
    no_stack: None, engine: Project, kubectl: Kubectl
):
    result = engine.copy(FILES).make("up", operator={"version": "1.7.0"})
    assert result.code != 0
    for name, kind in (("shop.yaml", "FlinkBlueGreenDeployment"), ("snapshot.yaml", "FlinkStateSnapshot")):
        assert re.search(rf"jobs/{name}:\d+: kind: is {kind}, which operator 1\.7\.0 does not have", result.output), (
            result.output
        )
    assert kubectl.get("namespace", "flink-operator") is None


def status(kubectl: Kubectl, kind: str, name: str) -> dict[str, Any]:
    return (kubectl.get(kind, name, "-n", "flink") or {})["status"]


def ingresses(kubectl: Kubectl) -> dict[str, str]:
    """Name to the service that it leads to."""
    content = json.loads(kubectl.run("get", "ingresses", "-n", "flink", "-o", "json"))["items"]
    return {
        finding["metadata"]["name"]: finding["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        for finding in content
    }


def error_of(output: str, job: str) -> str:
    """The line of the error that `up` ended with; it names the job."""
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if f"error: job flink/{job} " in line]
    assert lines, output
    return lines[0]
