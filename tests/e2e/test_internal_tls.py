"""TLS inside of a Flink cluster: who gets in, and that a renewed certificate costs a running job nothing.

The streaming example and the word count have a certificate each, made by the real cert-manager. A client in a pod of
the streaming example tries to speak to its processes in every way that must fail, and in the one that must not.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flink_k8s.resolve.internal_tls import authority_name, certificate_name
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.internal_tls import CERT_MANAGER, JOB_MANAGER_PORTS, OWN, TLS, Cluster
from tests.e2e.running_totals import (
    JOB,
    NAMESPACE,
    RATE,
    SAVEPOINT_OR_NONE,
    RunningTotals,
    in_job_manager,
    until_finished,
)
from tests.project import ROOT
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

OTHER = certificate_name("FlinkDeployment", "word-count")
TASK_MANAGER_RPC = 6122


@pytest.fixture(scope="module")
def cluster(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Both jobs up."""
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--cert-manager"], cwd=ROOT, check=True)

    totals = RunningTotals(kubectl, tmp_path_factory.mktemp("tls"), lambda: in_job_manager(kubectl))
    totals.config = {**CERT_MANAGER}
    totals.others = {"word-count": {**TLS, "jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}}}
    totals.settings = {
        "enabled": True,
        "parameters": {"rate": RATE},
        "flinkConfiguration": {"execution.checkpointing.interval": "1 s", **SAVEPOINT_OR_NONE},
        **TLS,
    }
    totals.up()
    return Cluster(kubectl, totals)


def test_a_batch_job_with_tls_runs_to_its_end(cluster: Cluster):
    until_finished(cluster.kubectl, "word-count")


@pytest.mark.parametrize("port", JOB_MANAGER_PORTS.values(), ids=JOB_MANAGER_PORTS)
class TestWhoGetsIn:
    def test_the_certificate_of_the_job_is_accepted(self, cluster: Cluster, port: int):
        own = cluster.secret(OWN)
        handshake = cluster.handshake(
            "jobmanager", port, trust=own["ca.crt"], certificate=own["tls.crt"] + own["tls.key"]
        )
        assert handshake == {"serial": cluster.serial(OWN), "version": "TLSv1.2"}

    def test_a_client_without_a_certificate_is_refused(self, cluster: Cluster, port: int):
        handshake = cluster.handshake("jobmanager", port, trust=cluster.secret(OWN)["ca.crt"], certificate=None)
        assert "refused" in handshake

    def test_the_certificate_of_another_job_is_refused(self, cluster: Cluster, port: int):
        other = cluster.secret(OTHER)
        certificate = other["tls.crt"] + other["tls.key"]
        handshake = cluster.handshake("jobmanager", port, trust=cluster.secret(OWN)["ca.crt"], certificate=certificate)
        assert "refused" in handshake
        # Nor is the process one that the other job would speak to.
        assert "CERTIFICATE_VERIFY_FAILED" in cluster.handshake(
            "jobmanager", port, trust=other["ca.crt"], certificate=certificate
        ).get("refused", "")

    def test_plaintext_is_refused(self, cluster: Cluster, port: int):
        handshake = cluster.handshake("jobmanager", port, trust=None, certificate=None)
        # Closed, or an alert of TLS (record type 21) first: no byte of Flink's own.
        assert handshake["said"] == "" or handshake["said"].startswith("15")


def test_a_renewed_certificate_is_used_by_new_processes_and_trusted_by_old_ones(cluster: Cluster):
    totals = cluster.totals
    totals.exact(beyond=RATE)
    old = cluster.serial(OWN)
    new = cluster.renew()
    assert new != old
    # Flink reads its certificate when a process starts: what runs still has the old one.
    assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == old
    assert cluster.presented("taskmanager", TASK_MANAGER_RPC) == old

    with step("a new TaskManager with the renewed certificate joins the old JobManager"):
        killed = totals.kill("taskmanager")
        until("another TaskManager", lambda: totals.pods("taskmanager") not in ([], [killed]))
        until("the job runs", totals.job)
        assert cluster.presented("taskmanager", TASK_MANAGER_RPC) == new
        assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == old
        print(totals.goes_on())

    with step("a new JobManager has the renewed certificate"):
        killed = totals.kill("jobmanager")
        until("another JobManager", lambda: totals.pods("jobmanager") not in ([], [killed]))
        until("the job runs", totals.job)
        assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == new
        print(totals.goes_on())


def test_a_renewed_authority_keeps_its_key(cluster: Cluster):
    authority = authority_name("FlinkDeployment", JOB)
    command = ["openssl", "x509", "-noout", "-pubkey"]
    before = cluster.secret(authority)["tls.crt"]
    patch = json.dumps({"spec": {"duration": "80000h"}})
    cluster.kubectl.run("patch", "certificate", authority, "-n", NAMESPACE, "--type=merge", "-p", patch)

    def renewed() -> str | None:
        now = cluster.secret(authority)["tls.crt"]
        return now if now != before else None

    now = until("a renewed authority", renewed, 60)
    keys = [
        subprocess.run(command, input=pem.encode(), capture_output=True, check=True).stdout for pem in (before, now)
    ]
    assert keys[0] == keys[1]
    # A certificate that it signs from now on is trusted by the JobManager, which has the authority's old one.
    cluster.renew()
    totals = cluster.totals
    killed = totals.kill("taskmanager")
    until("another TaskManager", lambda: totals.pods("taskmanager") not in ([], [killed]))
    until("the job runs", totals.job)
    print(totals.goes_on())


def test_disabled_the_job_continues_in_plaintext_and_its_certificate_is_deleted(cluster: Cluster):
    """The last test: the job has no certificates afterwards."""
    cluster.totals.up(internalTls={"enabled": False})
    remaining = cluster.kubectl.run("get", "certificates,issuers", "-n", NAMESPACE, "-o", "name").decode()
    assert OTHER in remaining
    assert OWN not in remaining
    assert cluster.totals.restored()["is_savepoint"]
    print(cluster.totals.goes_on())
