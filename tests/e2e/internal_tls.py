"""TLS inside of the streaming example's Flink cluster: a client in one of its pods speaks to its processes."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

from flink_k8s.resolve.internal_tls import certificate_name
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import JOB, NAMESPACE, RunningTotals
from tests.waiting import until

OWN = certificate_name("FlinkDeployment", JOB)
TLS = {"internalTls": {"enabled": True}}
CERT_MANAGER = {"certManager": {"enabled": True, "values": {"crds": {"keep": False}}}}
JOB_MANAGER_PORTS = {"RPC": 6123, "BLOB": 6124}

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
        output = self.kubectl.get("secret", name, "-n", NAMESPACE)
        assert output is not None, name
        return {key: base64.b64decode(output["data"][key]).decode() for key in ("tls.crt", "tls.key", "ca.crt")}

    def serial(self, name: str) -> str:
        """The serial number of the certificate that cert-manager has written last."""
        certificate = self.secret(name)["tls.crt"].encode()
        command = ["openssl", "x509", "-noout", "-serial"]
        output = subprocess.run(command, input=certificate, capture_output=True, check=True)
        return output.stdout.decode().strip().partition("=")[2]

    def pod(self, component: str) -> dict[str, Any]:
        """The one pod of a component, once it runs: the job's status is of some seconds ago, its pod may be new."""

        def running() -> dict[str, Any] | None:
            names = self.totals.pods(component)
            output = self.kubectl.get("pod", names[0], "-n", NAMESPACE) if len(names) == 1 else None
            containers = (output or {}).get("status", {}).get("containerStatuses", [])
            return output if containers and all(container["ready"] for container in containers) else None

        return until(f"one {component} that runs", running)

    def handshake(self, component: str, port: int, *, trust: str | None, certificate: str | None) -> dict[str, str]:
        """What a process answers a client of these certificates; one without `trust` does not speak TLS."""

        def answer() -> dict[str, str] | None:
            address = self.pod(component)["status"]["podIP"]
            client = self.pod("jobmanager")["metadata"]["name"]
            requests = {"host": address, "port": port, "trust": trust, "certificate": certificate}
            command = ("exec", "-i", "-n", NAMESPACE, client, "-c", "flink-main-container", "--")
            content = json.loads(
                self.kubectl.run(*command, "python3", "-c", CLIENT, stdin=json.dumps(requests).encode())
            )
            return None if "closed" in content else content  # a container runs before its process listens

        return until(f"the {component} listens", answer, seconds=60)

    def presented(self, component: str, port: int) -> str:
        """The serial number of the certificate that a process itself has."""
        own = self.secret(OWN)
        handshake = self.handshake(component, port, trust=own["ca.crt"], certificate=own["tls.crt"] + own["tls.key"])
        return handshake["serial"]

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
