"""The operator upgraded under a job that keeps state: its CRDs go first, the job goes on, nothing is lost or doubled.

The job's processes speak TLS to each other, so that this is shown with the older operator and its Flink, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

from flink_k8s.components.crds import FLINK_VERSION as MARK
from flink_k8s.resolve.state_storage import HEALTH_CHECK
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.internal_tls import CERT_MANAGER, JOB_MANAGER_PORTS, OWN, TLS, Cluster
from tests.e2e.running_totals import JOB, NAMESPACE, RATE, RunningTotals, in_job_manager
from tests.project import PAIRS, ROOT, kill_session, make, remove_flink_crds
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full


def up(totals: RunningTotals, operator: str, **configuration: str) -> str:
    """Brings it up with that operator and more of Flink's configuration; what was printed."""
    totals.pair = operator
    totals.settings["flinkConfiguration"] = {"execution.checkpointing.interval": "1 s", **configuration}
    result = totals.up()
    return result.stdout + result.stderr


def kill_while_helm_upgrades(totals: RunningTotals, operator: str) -> None:
    """`kill -9` of an `up` with that operator, and of all its processes."""
    totals.pair = operator
    log = totals.folder / "killed.log"
    with log.open("w") as output:
        command = ["make", "up", "STACK=sandbox", totals.layer()]
        running = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)

    def upgrades() -> bool:
        assert running.poll() is None, log.read_text()
        return bool(revisions(totals.kubectl, "pending-upgrade"))

    try:
        until("Helm upgrades the operator", upgrades, state=log.read_text)
    finally:
        kill_session(running.pid)
        running.wait()
    assert revisions(totals.kubectl, "pending-upgrade"), log.read_text()


def revisions(kubectl: Kubectl, status: str) -> list[int]:
    """The revisions of the operator's Helm release with a status."""
    secrets = kubectl.items("secrets", "-n", "flink-operator", "-l", f"owner=helm,status={status}")
    return [int(secret["metadata"]["labels"]["version"]) for secret in secrets]


def marks(kubectl: Kubectl) -> dict[str, str]:
    """Flink's CRDs with the operator version that each belongs to."""
    content = json.loads(kubectl.run("get", "crd", "-o", "json"))["items"]
    flinks = [crd["metadata"] for crd in content if crd["spec"]["group"] == "flink.apache.org"]
    return {flink["name"].partition(".")[0]: flink.get("annotations", {}).get(MARK, "") for flink in flinks}


@pytest.fixture(scope="module")
def totals(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningTotals]:
    """The job on a Flink that both operators know; no CRD of Flink's is there before, nor anything of it afterwards."""
    remove_flink_crds(kubectl)
    for version in PAIRS:  # both operators' images, and those of the jobs with the job's script in them
        command = [sys.executable, "-m", "sandbox", "up", "--cert-manager", "--operator", version]
        subprocess.run(command, cwd=ROOT, check=True)
    output = RunningTotals(kubectl, tmp_path_factory.mktemp("upgrade"), lambda: in_job_manager(kubectl))
    output.config = {**CERT_MANAGER}
    output.settings = {
        **TLS,
        "enabled": True,
        "image": "pyflink:dev-1.19",
        "flinkVersion": "v1_19",
        "parameters": {"rate": RATE},
    }
    yield output
    make("destroy", "STACK=sandbox", timeout=400)
    remove_flink_crds(kubectl)


def test_a_job_keeps_its_state_when_the_operator_is_upgraded_and_downgraded(totals: RunningTotals, kubectl: Kubectl):
    with step("the job runs with the older operator"):
        up(totals, "1.7.0")
        assert marks(kubectl) == {"flinkdeployments": "1.7.0", "flinksessionjobs": "1.7.0"}
        assert totals.goes_on().highest > RATE
        speaks_tls_only_to_its_own(totals)

    with step("an up is killed while Helm upgrades the operator"):
        before = job(kubectl)
        kill_while_helm_upgrades(totals, "1.16.1")

    with step("the next up finishes it: the newer operator upgrades the CRDs and adopts the job"):
        actual = up(totals, "1.16.1")
        assert "flink-operator/flink-kubernetes-operator is pending-upgrade after a killed run" in actual
        assert "CRDs of operator 1.16.1:" in actual
        # Helm keeps the revision of the killed upgrade, which the rollback has left behind, as it was.
        assert max(revisions(kubectl, "deployed")) > max(revisions(kubectl, "pending-upgrade"))
        assert set(marks(kubectl).values()) == {"1.16.1"}
        assert set(marks(kubectl)) == {
            "flinkbluegreendeployments", "flinkdeployments", "flinksessionjobs", "flinkstatesnapshots",
        }  # fmt: skip
        after = job(kubectl)
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        # Written by the newer operator alone, and pruned by the older CRDs.
        assert after["status"]["observedGeneration"] == after["metadata"]["generation"]
        speaks_tls_only_to_its_own(totals)
        print(f"job id before {before['status']['jobStatus']['jobId']}, after {after['status']['jobStatus']['jobId']}")
        print(totals.goes_on())

    with step("the older operator keeps the CRDs, and the job continues"):
        # The older operator cannot read the newer one's record of the job's health: docs/upgrade.md.
        up(totals, "1.16.1", **{HEALTH_CHECK: "false"})
        actual = up(totals, "1.7.0")
        assert "CRD flinkdeployments.flink.apache.org is not changed" in actual
        assert set(marks(kubectl).values()) == {"1.16.1"}
        print(totals.goes_on())


def test_flink_2_restores_the_state_of_flink_1(totals: RunningTotals) -> None:
    with step("the job runs on Flink 1.19"):
        up(totals, "1.16.1")
        before = totals.goes_on()

    with step("the plan names the risk"):
        option = totals.layer(image="pyflink:dev", flinkVersion="v2_2")
        result = make("plan", "STACK=sandbox", option, timeout=200)
        assert result.returncode == 0, result.stderr
        assert "restart from savepoint" in result.stdout
        assert "Flink 1.x to 2.x: state compatibility is not guaranteed" in result.stdout

    with step("the job continues on Flink 2.2 with exact counts"):
        totals.up()
        assert totals.restored()["is_savepoint"]
        after = totals.goes_on()
        assert after.highest > before.highest
        print(after)


def job(kubectl: Kubectl) -> dict[str, Any]:
    """The resource as it is."""
    return kubectl.get("flinkdeployment", JOB, "-n", NAMESPACE) or {}


def speaks_tls_only_to_its_own(totals: RunningTotals) -> None:
    """The JobManager accepts the job's certificate, and no client without one."""
    cluster = Cluster(totals.kubectl, totals)
    port = JOB_MANAGER_PORTS["RPC"]
    assert cluster.presented("jobmanager", port) == cluster.serial(OWN)
    assert "refused" in cluster.handshake("jobmanager", port, trust=cluster.secret(OWN)["ca.crt"], certificate=None)
