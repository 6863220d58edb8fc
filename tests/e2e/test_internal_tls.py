"""TLS inside of a Flink cluster: who gets in, and that a renewed certificate costs a running job nothing.

The streaming example and the word count have a certificate each, made by the real cert-manager. A client in a pod of
the streaming example tries to speak to its processes in every way that must fail, and in the one that must not.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

from settings.internal_tls import authority_name, certificate_name
from tests.e2e.conftest import ROOT, only_for
from tests.e2e.running_totals import JOB, NAMESPACE, PAIR, RATE, RunningTotals, in_job_manager, until_finished
from tests.waiting import until
from tools.kubectl import Kubectl

OWN, OTHER = certificate_name("FlinkDeployment", JOB), certificate_name("FlinkDeployment", "word-count")
TLS = {"internalTls": {"enabled": True}}

JOB_MANAGER_PORTS = {"RPC": 6123, "BLOB": 6124}
TASK_MANAGER_RPC = 6122

CLIENT = """
import json, socket, ssl, sys, tempfile
asked = json.load(sys.stdin)
try:
    plain = socket.create_connection((asked["host"], asked["port"]), timeout=20)
except OSError as error:
    print(json.dumps({"closed": str(error)}))
    sys.exit()
if asked["trust"] is None:
    plain.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n" + bytes(64))
    try:
        print(json.dumps({"said": plain.recv(64).hex()}))
    except ConnectionResetError:
        print(json.dumps({"said": ""}))
    sys.exit()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.load_verify_locations(cadata=asked["trust"])
if asked["certificate"]:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(asked["certificate"])
        file.flush()
        context.load_cert_chain(file.name)
try:
    with context.wrap_socket(plain) as secure:
        print(json.dumps({"serial": secure.getpeercert()["serialNumber"], "version": secure.version()}))
except (ssl.SSLError, ConnectionError) as error:
    print(json.dumps({"refused": str(error)}))
"""


class Cluster:
    """The streaming example's pods, and a client that runs in one of them."""

    def __init__(self, kubectl: Kubectl, totals: RunningTotals) -> None:
        self.kubectl = kubectl
        self.totals = totals

    def secret(self, name: str) -> dict[str, str]:
        """A certificate's Secret, as text."""
        found = self.kubectl.get("secret", name, "-n", NAMESPACE)
        assert found is not None, name
        return {key: base64.b64decode(found["data"][key]).decode() for key in ("tls.crt", "tls.key", "ca.crt")}

    def serial(self, name: str) -> str:
        """The serial number of the certificate that cert-manager has written last."""
        certificate = self.secret(name)["tls.crt"].encode()
        command = ["openssl", "x509", "-noout", "-serial"]
        shown = subprocess.run(command, input=certificate, capture_output=True, check=True)
        return shown.stdout.decode().strip().partition("=")[2]

    def pod(self, component: str) -> dict[str, Any]:
        """The one pod of a component, once it runs: the job's status is of some seconds ago, its pod may be new."""

        def running() -> dict[str, Any] | None:
            names = self.totals.pods(component)
            found = self.kubectl.get("pod", names[0], "-n", NAMESPACE) if len(names) == 1 else None
            containers = (found or {}).get("status", {}).get("containerStatuses", [])
            return found if containers and all(one["ready"] for one in containers) else None

        return until(f"one {component} that runs", running)

    def says(self, component: str, port: int, *, trust: str | None, certificate: str | None) -> dict[str, str]:
        """What a process answers a client of these certificates; one without `trust` does not speak TLS."""

        def answer() -> dict[str, str] | None:
            address = self.pod(component)["status"]["podIP"]
            client = self.pod("jobmanager")["metadata"]["name"]
            asked = {"host": address, "port": port, "trust": trust, "certificate": certificate}
            command = ("exec", "-i", "-n", NAMESPACE, client, "-c", "flink-main-container", "--")
            said = json.loads(self.kubectl.run(*command, "python3", "-c", CLIENT, stdin=json.dumps(asked).encode()))
            return None if "closed" in said else said  # a container runs before its process listens

        return until(f"the {component} listens", answer, seconds=60)

    def presented(self, component: str, port: int) -> str:
        """The serial number of the certificate that a process itself has."""
        own = self.secret(OWN)
        said = self.says(component, port, trust=own["ca.crt"], certificate=own["tls.crt"] + own["tls.key"])
        return said["serial"]

    def renew(self) -> str:
        """Has cert-manager renew the certificate as it does in time; the new serial number."""
        before = self.serial(OWN)
        issuing = {
            "type": "Issuing",
            "status": "True",
            "reason": "ManuallyTriggered",
            "message": "by a test",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        patch = json.dumps([{"op": "add", "path": "/status/conditions/-", "value": issuing}])
        self.kubectl.run(
            "patch", "certificate", OWN, "-n", NAMESPACE, "--subresource=status", "--type=json", "-p", patch
        )
        return until("a renewed certificate", lambda: now if (now := self.serial(OWN)) != before else None, 60)


@pytest.fixture(scope="module")
def cluster(
    kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Generator[Cluster]:
    """Both jobs up; the stack is gone afterwards."""
    only_for(PAIR, request, "whose Flink is not the job's")
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--cert-manager"], cwd=ROOT, check=True)

    totals = RunningTotals(kubectl, tmp_path_factory.mktemp("tls"), lambda: in_job_manager(kubectl))
    totals.config = {"certManager": {"enabled": True, "values": {"crds": {"keep": False}}}}
    totals.others = {"word-count": {**TLS, "jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}}}
    totals.settings = {
        "enabled": True,
        "parameters": {"rate": RATE},
        "flinkConfiguration": {"execution.checkpointing.interval": "1 s"},
        **TLS,
    }
    try:
        totals.up()
        yield Cluster(kubectl, totals)
    finally:
        subprocess.run([sys.executable, "-m", "local.apply", "destroy", "--stack", "sandbox"], cwd=ROOT, check=True)


def test_a_batch_job_with_tls_runs_to_its_end(cluster: Cluster):
    until_finished(cluster.kubectl, "word-count")


@pytest.mark.parametrize("port", JOB_MANAGER_PORTS.values(), ids=JOB_MANAGER_PORTS)
class TestWhoGetsIn:
    def test_the_jobs_own_certificate(self, cluster: Cluster, port: int):
        own = cluster.secret(OWN)
        said = cluster.says("jobmanager", port, trust=own["ca.crt"], certificate=own["tls.crt"] + own["tls.key"])
        assert said == {"serial": cluster.serial(OWN), "version": "TLSv1.2"}

    def test_not_without_a_certificate(self, cluster: Cluster, port: int):
        said = cluster.says("jobmanager", port, trust=cluster.secret(OWN)["ca.crt"], certificate=None)
        assert "refused" in said

    def test_not_with_another_jobs_certificate(self, cluster: Cluster, port: int):
        other = cluster.secret(OTHER)
        certificate = other["tls.crt"] + other["tls.key"]
        said = cluster.says("jobmanager", port, trust=cluster.secret(OWN)["ca.crt"], certificate=certificate)
        assert "refused" in said
        # Nor is the process one that the other job would speak to.
        assert "CERTIFICATE_VERIFY_FAILED" in cluster.says(
            "jobmanager", port, trust=other["ca.crt"], certificate=certificate
        ).get("refused", "")

    def test_not_in_clear(self, cluster: Cluster, port: int):
        said = cluster.says("jobmanager", port, trust=None, certificate=None)
        # Closed, or an alert of TLS (record type 21) first: no byte of Flink's own.
        assert said["said"] == "" or said["said"].startswith("15")


class TestRenewal:
    """In this order."""

    def test_a_new_task_manager_with_the_renewed_certificate_joins_the_old_job_manager(self, cluster: Cluster):
        totals = cluster.totals
        totals.exact(beyond=RATE)
        old = cluster.serial(OWN)
        new = cluster.renew()
        assert new != old
        # Flink reads its certificate when a process starts: what runs still has the old one.
        assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == old
        assert cluster.presented("taskmanager", TASK_MANAGER_RPC) == old
        killed = totals.kill("taskmanager")
        until("another TaskManager", lambda: totals.pods("taskmanager") not in ([], [killed]))
        until("the job runs", totals.job)
        assert cluster.presented("taskmanager", TASK_MANAGER_RPC) == new
        assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == old
        print(totals.goes_on())

    def test_a_new_job_manager_has_the_renewed_certificate_too(self, cluster: Cluster):
        totals = cluster.totals
        new = cluster.serial(OWN)
        killed = totals.kill("jobmanager")
        until("another JobManager", lambda: totals.pods("jobmanager") not in ([], [killed]))
        until("the job runs", totals.job)
        assert cluster.presented("jobmanager", JOB_MANAGER_PORTS["RPC"]) == new
        print(totals.goes_on())

    def test_a_renewed_authority_is_the_same_to_whom_trusted_it(self, cluster: Cluster):
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


def test_without_it_the_job_goes_on_in_clear_and_its_certificate_is_gone(cluster: Cluster):
    cluster.totals.up(internalTls={"enabled": False})
    left = cluster.kubectl.run("get", "certificates,issuers", "-n", NAMESPACE, "-o", "name").decode()
    assert OTHER in left
    assert OWN not in left
    assert cluster.totals.restored()["is_savepoint"]
    print(cluster.totals.goes_on())
