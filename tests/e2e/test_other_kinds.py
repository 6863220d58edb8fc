"""Session cluster and session jobs, blue/green, snapshots: `up` waits for each, says why one failed; all of it goes.

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
        done = platform.make("up", ingress=INGRESS)
        assert done.code == 0, done.output
        assert status(kubectl, "flinkdeployment", CLUSTER)["lifecycleState"] == "STABLE"
        report = status(kubectl, "flinksessionjob", SESSION_JOB)
        assert (report["lifecycleState"], report["jobStatus"]["state"]) == ("STABLE", "RUNNING")
        shop = status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)
        assert (shop["blueGreenState"], shop["jobStatus"]["state"]) == ("ACTIVE_BLUE", "RUNNING")
        taken = status(kubectl, "flinkstatesnapshot", SNAPSHOT)
        assert taken["state"] == "COMPLETED"
        assert f"/flink/{SESSION_JOB}/savepoints/" in taken["path"]

    with step("make logs finds the pods of each kind"):
        for job, pods in ((SESSION_JOB, CLUSTER), (BLUE_GREEN, f"{BLUE_GREEN}-blue")):
            assert f"[pod/{pods}-" in platform.make("logs", "", f"JOB={job}").output

    with step("each resource is created when its dependency is ready"):
        # A session job is made when its cluster is ready, a snapshot when its job runs.
        made = {
            name: (kubectl.get(kind, name, "-n", "flink") or {})["metadata"]["creationTimestamp"]
            for kind, name in (
                ("flinkdeployment", CLUSTER),
                ("flinksessionjob", SESSION_JOB),
                ("flinkstatesnapshot", SNAPSHOT),
            )
        }
        [answers] = [
            one["lastTransitionTime"] for one in status(kubectl, "deployment", CLUSTER)["conditions"]
            if (one["type"], one["status"]) == ("Available", "True")
        ]  # fmt: skip
        assert made[CLUSTER] < answers <= made[SESSION_JOB] < made[SNAPSHOT]

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
        done = platform.make("up", ingress=INGRESS)
        platform.remove("broken.yaml")
        words = error_of(done.output, "broken")
        assert done.code != 0
        assert "nope.py" in words
        assert "\tat " not in done.output
        assert done.seconds < 60

    with step("a change switches from blue to green"):
        platform.write("shop.yaml", blue_green(env={"ROUND": "2"}))
        done = platform.make("up", ingress=INGRESS)
        assert done.code == 0, done.output
        assert status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)["blueGreenState"] == "ACTIVE_GREEN"
        green = kubectl.get("flinkdeployment", f"{BLUE_GREEN}-green", "-n", "flink") or {}
        assert green["status"]["jobStatus"]["state"] == "RUNNING"
        assert ingresses(kubectl)[BLUE_GREEN] == f"{BLUE_GREEN}-green-rest"
        assert "savepoint" in green["spec"]["job"]["initialSavepointPath"]  # it went on where blue was
        assert kubectl.get("flinksessionjob", "broken", "-n", "flink") is None

    with step("a change that fails fails up with its error and leaves green running"):
        platform.write("shop.yaml", blue_green(configuration=REFUSED_BY_FLINK, env={"ROUND": "3"}))
        done = platform.make("up", ingress=INGRESS)
        assert done.code != 0
        assert "TaskManager memory configuration failed" in error_of(done.output, BLUE_GREEN)
        assert done.seconds < 90
        assert status(kubectl, "flinkdeployment", f"{BLUE_GREEN}-green")["jobStatus"]["state"] == "RUNNING"

    with step("corrected, the change switches to blue"):
        platform.write("shop.yaml", blue_green(env={"ROUND": "3"}))
        done = platform.make("up", ingress=INGRESS)
        assert done.code == 0, done.output
        assert status(kubectl, "flinkbluegreendeployment", BLUE_GREEN)["blueGreenState"] == "ACTIVE_BLUE"

    with step("suspended jobs stay suspended and resume from their savepoints"):
        blue = f"{BLUE_GREEN}-blue"
        done = platform.make("suspend", ingress=INGRESS)
        assert done.code == 0, done.output
        assert f"leave flink/{CLUSTER}: a session cluster" in done.output
        done = platform.make("up", ingress=INGRESS)
        assert done.code == 0, done.output
        assert "suspended until `make resume STACK=sandbox`: " in done.output
        assert status(kubectl, "flinksessionjob", SESSION_JOB)["lifecycleState"] == "SUSPENDED"
        assert status(kubectl, "flinkdeployment", blue)["lifecycleState"] == "SUSPENDED"
        assert status(kubectl, "flinkdeployment", CLUSTER)["lifecycleState"] == "STABLE"
        done = platform.make("resume", ingress=INGRESS)
        assert done.code == 0, done.output
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
        with deletions(kubectl, watched) as gone:
            done = platform.make("destroy")
        assert done.code == 0, done.output
        assert gone == list(watched)
        left = json.loads(kubectl.run("get", "namespaces", "-o", "json"))["items"]
        assert not {item["metadata"]["name"] for item in left} & {"flink", "flink-operator"}


def test_kinds_that_the_operator_lacks_are_reported_before_anything_is_created(
    no_stack: None, engine: Project, kubectl: Kubectl
):
    done = engine.copy(FILES).make("up", operator={"version": "1.7.0"})
    assert done.code != 0
    for name, kind in (("shop.yaml", "FlinkBlueGreenDeployment"), ("snapshot.yaml", "FlinkStateSnapshot")):
        assert re.search(rf"jobs/{name}:\d+: kind: is {kind}, which operator 1\.7\.0 does not have", done.output), (
            done.output
        )
    assert kubectl.get("namespace", "flink-operator") is None


def status(kubectl: Kubectl, kind: str, name: str) -> dict[str, Any]:
    return (kubectl.get(kind, name, "-n", "flink") or {})["status"]


def ingresses(kubectl: Kubectl) -> dict[str, str]:
    """Name to the service that it leads to."""
    found = json.loads(kubectl.run("get", "ingresses", "-n", "flink", "-o", "json"))["items"]
    return {
        one["metadata"]["name"]: one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        for one in found
    }


def error_of(said: str, job: str) -> str:
    """The line of the error that `up` ended with; it names the job."""
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if f"error: job flink/{job} " in line]
    assert lines, said
    return lines[0]
