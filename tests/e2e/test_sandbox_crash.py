"""The sandbox after accidents: any part killed, `up` repairs it; `down` leaves nothing behind; what it holds is kept.

Needs root, and a sandbox in which no other clone has work: that would suffer.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flink_k8s.support.paths import find_tool
from sandbox import cgroups, cluster, daemons, network, node, status, teardown, users
from sandbox.api import Api
from sandbox.home import PROJECT, home
from sandbox.node import Node
from sandbox.report import Failure
from sandbox.system_images import BUSYBOX
from tests.waiting import until

NAMESPACE = "crash-test"


def kubectl(*arguments: str, text: str = "") -> str:
    command = [find_tool("kubectl"), "--kubeconfig", str(PROJECT / ".sandbox/kubeconfig")]
    result = subprocess.run(
        [*command, "--namespace", NAMESPACE, *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stdout}"
    return result.stdout


@pytest.fixture(scope="module", autouse=True)
def _work(no_stack: None) -> Iterator[None]:
    """A pod in a namespace of the tests' own."""
    cluster.up()
    others = [user.path for user in users.others(home())]
    until("no namespace of other tests is left", lambda: not other_work(), 120, state=other_work)
    for clone in others:
        users.unregister(home(), clone)
    if NAMESPACE in Api(home()).namespaces():
        kubectl("delete", "namespace", NAMESPACE)
    kubectl("create", "namespace", NAMESPACE)
    container = {"name": "box", "image": BUSYBOX, "command": ["sleep", "100000"]}
    template = {"metadata": {"labels": {"app": "box"}}, "spec": {"containers": [container]}}
    template["spec"]["terminationGracePeriodSeconds"] = 0
    spec = {"selector": {"matchLabels": {"app": "box"}}, "template": template}
    kubectl(
        "apply",
        "-f",
        "-",
        text=json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "box"}, "spec": spec}),
    )
    kubectl("wait", "--for=condition=Available", "deployment/box", "--timeout=60s")
    yield
    cluster.up()
    for clone in others:
        users.register(home(), clone)
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def other_work() -> set[str]:
    return set(users.work(Api(home()).namespaces())) - {NAMESPACE}


def running() -> Node:
    resource = node.find()
    assert resource is not None
    return resource


def kill(pid: int) -> None:
    begun = node.started(pid)
    os.kill(pid, signal.SIGKILL)
    until("it is gone", lambda: node.started(pid) != begun, 10)


def container_id() -> str:
    return kubectl("get", "pods", "-l", "app=box", "-o", "jsonpath={.items[*].status.containerStatuses[*].containerID}")


def works() -> None:
    """The cluster takes work and does it."""
    # A new kubelet reports each pod as not ready until its first probe.
    until("the cluster is ready", lambda: status.status().up, 60)
    kubectl("delete", "pod", "trial", "--ignore-not-found", "--grace-period=0", "--force")
    kubectl("run", "trial", f"--image={BUSYBOX}", "--restart=Never", "--command", "--", "echo", "here")
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/trial", "--timeout=60s")
    assert kubectl("logs", "trial") == "here\n"


def test_second_up_changes_nothing_and_is_quick() -> None:
    begun = time.monotonic()
    assert cluster.up() is False
    assert time.monotonic() - begun < 10


@pytest.mark.full
@pytest.mark.parametrize("name", [daemon.name for daemon in daemons.ALL])
def test_up_starts_a_killed_daemon(name: str) -> None:
    """Its pods do not notice."""
    before = container_id()
    pid = daemons.running(running())[name]
    kill(pid)
    assert not status.status().up
    assert cluster.up() is True
    assert daemons.running(running())[name] != pid
    works()
    assert container_id() == before


def test_up_starts_four_killed_daemons() -> None:
    pids = daemons.running(running())
    for name in ("etcd", "kube-apiserver", "kubelet", "containerd"):
        kill(pids[name])
    assert cluster.up() is True
    works()


def test_up_starts_a_killed_node_and_keeps_its_objects() -> None:
    before = container_id()
    kill(running().pid)
    assert node.find() is None
    assert cluster.up() is True
    works()
    kubectl("wait", "--for=condition=Available", "deployment/box", "--timeout=60s")
    until("another container", lambda: container_id() not in ("", before), 60)


@pytest.mark.full
def test_up_creates_a_deleted_interface() -> None:
    subprocess.run(["ip", "link", "delete", network.HOST_DEVICE], check=True)
    assert not status.status().up
    cluster.up()
    works()


def test_down_refuses_while_another_clone_works(tmp_path: Path) -> None:
    users.register(home(), tmp_path)
    try:
        with pytest.raises(Failure, match=rf"other clones \(.*{tmp_path}.*namespaces .*{NAMESPACE}"):
            teardown.down()
        assert status.status().up
    finally:
        users.unregister(home(), tmp_path)


def test_down_leaves_nothing_and_up_restores_all() -> None:
    actual = running()
    inside = {process.pid for process in actual.processes()} | {actual.pid}
    assert teardown.down()
    assert not [pid for pid in inside if node.started(pid)]
    assert node.find() is None
    assert not status.status().up
    assert cgroups.existing() == []
    assert network.existing() == []
    for file in ("mounts", "net/route"):
        text = Path("/proc/self", file).read_text()
        assert str(home().root) not in text
        assert network.HOST_DEVICE not in text
    rules = subprocess.run(["iptables-save"], stdout=subprocess.PIPE, text=True, check=False).stdout
    assert "KUBE" not in rules
    assert teardown.down() == []
    cluster.up()
    kubectl("wait", "--for=condition=Available", "deployment/box", "--timeout=60s")
    works()
