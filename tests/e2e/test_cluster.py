"""What a cluster must do, each thing tried as a user would: pods, logs, DNS, services, claims, limits, refusals.

Needs root; starts the sandbox when it does not run. Everything is made in one namespace, which goes in the end.
"""

import json
import re
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

from flink_k8s.support.paths import find_tool
from sandbox import cluster, configuration, golang, network, node
from sandbox.home import PROJECT, home
from sandbox.system_images import BUSYBOX
from tests.waiting import until

pytestmark = pytest.mark.full

T = TypeVar("T")
NAMESPACE = "cluster-test"
KUBECONFIG = PROJECT / ".sandbox" / "kubeconfig"


class Kubectl:
    """kubectl on the sandbox, in the tests' namespace."""

    def __init__(self) -> None:
        self.command = [find_tool("kubectl"), "--kubeconfig", str(KUBECONFIG)]
        self.command += ["--namespace", NAMESPACE]

    def try_(self, *arguments: str, objects: list[dict[str, Any]] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs kubectl with objects on its standard input; stdout and stderr together."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}) if objects else ""
        return subprocess.run(
            [*self.command, *arguments],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def __call__(self, *arguments: str, objects: list[dict[str, Any]] | None = None) -> str:
        """The same; fails the test when kubectl fails."""
        result = self.try_(*arguments, objects=objects)
        assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stdout}"
        return result.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        self("apply", "-f", "-", objects=list(objects))

    def wait(self, condition: str, resource: str, seconds: int = 60) -> None:
        """Waits for a condition; shows the object and the namespace's events when it does not come."""
        result = self.try_("wait", f"--for={condition}", resource, f"--timeout={seconds}s")
        if result.returncode != 0:
            output = self.try_("get", resource, "-o", "yaml").stdout + self.try_("get", "events").stdout
            pytest.fail(f"{result.stdout}\n{output}")


def eventually(request: Callable[[], T], is_expected: Callable[[T], bool], seconds: float = 20) -> T:
    """Asks until the answer is good; kube-proxy and others follow within a second or two."""
    answers: list[T] = []

    def look() -> bool:
        answers[:] = [request()]
        return is_expected(answers[0])

    until("the right answer", look, seconds, state=lambda: answers)
    return answers[0]


def container(*command: str, **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": BUSYBOX, "command": ["sh", "-c", *command]} | more


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app": name}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"terminationGracePeriodSeconds": 0} | spec,
    }


@pytest.fixture(scope="module")
def kubectl() -> Iterator[Kubectl]:
    cluster.up()
    kubectl = Kubectl()
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
    kubectl("create", "namespace", NAMESPACE)
    eventually(lambda: kubectl.try_("get", "serviceaccount", "default").returncode, lambda code: code == 0)
    limits = {"resources": {"limits": {"cpu": "500m", "memory": "32Mi"}}}
    serve = "hostname >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    probe = {"readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container(serve, **probe)]}}
    template["spec"]["terminationGracePeriodSeconds"] = 0
    kubectl.apply(
        pod("box", {"containers": [container("echo started; exec sleep 100000", **limits)]}),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    )
    kubectl.wait("condition=Ready", "pod/box")
    kubectl.wait("condition=Available", "deployment/web")
    yield kubectl
    kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")


def in_box(kubectl: Kubectl, *command: str) -> str:
    return kubectl.try_("exec", "box", "--", *command).stdout


def test_node_has_labels_and_version(kubectl: Kubectl) -> None:
    node = json.loads(kubectl("get", "node", "sandbox", "-o", "json"))
    assert configuration.LABELS.items() <= node["metadata"]["labels"].items()
    assert node["status"]["nodeInfo"]["kubeletVersion"] == golang.KUBERNETES.version


def test_logs_are_readable(kubectl: Kubectl) -> None:
    assert kubectl("logs", "box") == "started\n"


def test_exec_runs_a_command(kubectl: Kubectl) -> None:
    assert in_box(kubectl, "id").startswith("uid=0")


def test_dns_resolves_services(kubectl: Kubectl) -> None:
    name = f"kubernetes.default.svc.{network.DOMAIN}"
    eventually(lambda: in_box(kubectl, "nslookup", name), lambda output: network.KUBERNETES_IP in output)


def test_pod_reaches_api_server_by_name(kubectl: Kubectl) -> None:
    """Without TLS: the API server refuses the handshake of busybox (alert 40), and answers plain HTTP with a hint."""
    request = r"printf 'GET /readyz HTTP/1.0\r\n\r\n' | nc -w 5 kubernetes.default.svc 443"
    eventually(lambda: in_box(kubectl, "sh", "-c", request), lambda answer: "HTTP request to an HTTPS server" in answer)


def test_pod_reaches_service(kubectl: Kubectl) -> None:
    eventually(lambda: in_box(kubectl, "wget", "-q", "-O", "-", "http://web"), lambda output: output.startswith("web-"))


def test_machine_reaches_service(kubectl: Kubectl) -> None:
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")

    def ask() -> str:
        try:
            with urllib.request.urlopen(f"http://{address}", timeout=5) as answer:
                return cast(bytes, answer.read()).decode()
        except OSError as error:
            return str(error)

    eventually(ask, lambda output: output.startswith("web-"))


def test_node_reaches_service(kubectl: Kubectl) -> None:
    """As the API server does when it calls an admission webhook."""
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    eventually(lambda: in_node("busybox", "wget", "-q", "-O", "-", f"http://{address}"), lambda s: s.startswith("web-"))
    output = in_node(
        "busybox", "wget", "-q", "-O", "-", "--no-check-certificate", f"https://{network.KUBERNETES_IP}/livez"
    )
    assert output.endswith("ok"), output


def in_node(*command: str) -> str:
    resource = node.find()
    assert resource is not None
    return resource.run("timeout", "10", *command, check=False).stdout


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which the machine's end of the uplink would answer."""
    with socket.create_server((network.HOST_IP, 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("inside", ["pod", "node"])
def test_pods_and_node_do_not_reach_the_machine(kubectl: Kubectl, listener: int, inside: str) -> None:
    """At its own address and, which is another way through the packet filter, as the endpoint of a service."""
    metadata = {"name": "machine", "labels": {"kubernetes.io/service-name": "machine"}}
    slice_ = {"addressType": "IPv4", "endpoints": [{"addresses": [network.HOST_IP]}], "ports": [{"port": listener}]}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": listener}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata} | slice_,
    )
    service = kubectl("get", "service", "machine", "-o", "jsonpath={.spec.clusterIP}")
    eventually(lambda: in_node("iptables-save", "-t", "nat"), lambda rules: f"{network.HOST_IP}:{listener}" in rules)
    for address in (network.HOST_IP, service):
        script = f"busybox nc -w 5 {address} {listener} </dev/null 2>&1; echo code $?"
        output = in_box(kubectl, "sh", "-c", script) if inside == "pod" else in_node("sh", "-c", script)
        assert "code 1" in output
        assert "refused" in output, output


def test_pod_reaches_itself_by_its_service(kubectl: Kubectl) -> None:
    """A pod behind a service reaches it by that service, too, whichever pod answers."""
    first = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
    output = {kubectl("exec", first, "--", "wget", "-q", "-O", "-", "http://web").strip() for _ in range(12)}
    assert first in output


def test_job_completes(kubectl: Kubectl) -> None:
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container("echo done")]}}}
    kubectl.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec})
    kubectl.wait("condition=Complete", "job/job")
    assert kubectl("logs", "job/job") == "done\n"


def test_port_forward_reaches_service(kubectl: Kubectl) -> None:
    with forwarded(kubectl, "service/web", 80) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}") as answer:
        assert answer.read().startswith(b"web-")


@contextmanager
def forwarded(kubectl: Kubectl, resource: str, port: int) -> Iterator[int]:
    with subprocess.Popen(
        [*kubectl.command, "port-forward", resource, f":{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.readline()
        match = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", output)
        assert match is not None, output
        try:
            yield int(match[1])
        finally:
            process.kill()


def test_claim_is_bound_and_outlives_its_pod(kubectl: Kubectl) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    kubectl.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim})
    # As another user than root, who may write all the same.
    user = {"runAsUser": 9999, "runAsGroup": 9999, "runAsNonRoot": True}
    for name, command, expected in (("writer", "id -u >/data/file", ""), ("reader", "cat /data/file", "9999\n")):
        mounts = [{"name": "data", "mountPath": "/data"}]
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        spec = {"restartPolicy": "Never", "securityContext": user, "volumes": volumes}
        kubectl.apply(pod(name, spec | {"containers": [container(command, volumeMounts=mounts)]}))
        kubectl.wait("jsonpath={.status.phase}=Succeeded", f"pod/{name}")
        assert kubectl("logs", name) == expected
        kubectl("delete", "pod", name)
    assert (
        kubectl("get", "pvc", "data", "-o", "jsonpath={.status.phase} {.spec.storageClassName}") == "Bound local-path"
    )


def test_memory_limit_is_enforced(kubectl: Kubectl) -> None:
    output = in_box(
        kubectl, "sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"
    )
    assert output.splitlines()[0] == str(32 << 20)
    spec = {"restartPolicy": "Never"}
    limits = {"resources": {"limits": {"memory": "16Mi"}}}
    kubectl.apply(pod("greedy", spec | {"containers": [container("tail /dev/zero", **limits)]}))
    kubectl.wait("jsonpath={.status.phase}=Failed", "pod/greedy")
    path = "jsonpath={.status.containerStatuses[0].state.terminated.reason}"
    assert kubectl("get", "pod", "greedy", "-o", path) == "OOMKilled"


def test_rbac_refuses_an_account_without_rights(kubectl: Kubectl) -> None:
    result = kubectl.try_("get", "secrets", f"--as=system:serviceaccount:{NAMESPACE}:default")
    assert result.returncode != 0
    assert 'cannot list resource "secrets"' in result.stdout


def test_pod_security_refuses_privileged_pod(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", f"{NAMESPACE}-strict", "--dry-run=server")
    label = "pod-security.kubernetes.io/enforce=restricted"
    kubectl("label", "namespace", NAMESPACE, label, "--overwrite")
    try:
        command = ("run", "refused", f"--image={BUSYBOX}", "--privileged", "--dry-run=server")
        result = eventually(lambda: kubectl.try_(*command), lambda result: result.returncode != 0)
        assert "violates PodSecurity" in result.stdout
    finally:
        kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce-")


@pytest.mark.parametrize("address", [network.HOST_IP, "203.0.113.1"])
def test_pod_reaches_nothing_outside(kubectl: Kubectl, address: str) -> None:
    """Connections to the machine and beyond are refused immediately, so nothing waits for a timeout."""
    output = in_box(kubectl, "sh", "-c", f"timeout 5 nc {address} 22 </dev/null 2>&1; echo code $?")
    assert "code 1" in output
    assert re.search("refused|unreachable", output), output


def test_host_path_shows_nothing_of_the_machine(kubectl: Kubectl) -> None:
    """A hostPath volume is the node's folder, and the node has a root of its own."""
    mounts = [{"name": "host", "mountPath": "/host", "readOnly": True}]
    volumes = [{"name": "host", "hostPath": {"path": "/"}}]
    command = "ls -a /host/root /host/home /host/etc/shadow 2>&1"
    spec = {"restartPolicy": "Never", "volumes": volumes, "containers": [container(command, volumeMounts=mounts)]}
    kubectl.apply(pod("peeping", spec))
    eventually(
        lambda: kubectl("get", "pod", "peeping", "-o", "jsonpath={.status.phase}"),
        lambda phase: phase in ("Succeeded", "Failed"),
    )
    output = kubectl("logs", "peeping")
    assert "/host/home: No such file" in output
    assert "/host/etc/shadow: No such file" in output
    assert ".ssh" not in output


def test_kernel_settings_of_the_machine_are_unchanged() -> None:
    """The kubelet would have set these to 10 and 1, if it had not been shown them as such already."""
    node = cluster.own_node(home())
    assert node is not None
    output = node.run("sysctl", "-n", "kernel.panic", "kernel.panic_on_oops").stdout.split()
    assert output == ["10", "1"]
    log = (home().log / "kubelet.log").read_text()
    assert "Updating kernel flag" not in log


def test_namespace_is_deleted(kubectl: Kubectl) -> None:
    kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")
    assert kubectl.try_("get", "namespace", NAMESPACE).returncode != 0
