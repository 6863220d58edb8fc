"""Wait for the cluster: poll conditions, and print the reason while a condition is false."""

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from sandbox import addons, daemons
from sandbox.api import Api, Unreachable, name_of
from sandbox.daemons import Daemon
from sandbox.home import Home
from sandbox.network import NODE_IP
from sandbox.node import Node
from sandbox.report import Failure, say
from sandbox.rootfs import NODE

_POLL = 0.1  # seconds
_NEWS = 10.0  # seconds after which the reason is printed
_RESTARTS = 3
_PORTS = {"kubelet": 10250, "kube-proxy": 10256}  # of daemons that are checked without the API server


class Wait:
    """Waits for conditions and restarts daemons that have ended; counts the restarts."""

    def __init__(self, home: Home, node: Node) -> None:
        self._home = home
        self._node = node
        self.restarted = 0

    def until(self, title: str, why_not: Callable[[], str | None], seconds: float, needed: Iterable[Daemon]) -> None:
        """Wait until `why_not` returns None; otherwise it returns the reason to print.

        Raises:
            Failure: a needed daemon ends repeatedly, or the timeout is over; with the end of its log or the reason.
        """
        needed = tuple(needed)
        begun = printed = time.monotonic()
        checked = 0.0
        while (reason := why_not()) is not None:
            now = time.monotonic()
            if now - checked > 1:
                checked = now
                self._keep(needed)
            if now - begun > seconds:
                logs = f"logs of the daemons: {self._home.log}"
                raise Failure(f"timeout after {seconds:.0f} s of waiting until {title}: {reason}; {logs}")
            if now - printed > _NEWS:
                printed = now
                say(f"waiting until {title}, {now - begun:.0f} s: {reason}")
            time.sleep(_POLL)

    def _keep(self, needed: tuple[Daemon, ...]) -> None:
        for name in daemons.ensure(self._home, self._node, needed):
            self.restarted += 1
            say(f"{name} has ended; restarted")
            if self.restarted > _RESTARTS:
                last = daemons.last_words(self._home, name)
                raise Failure(f"{name} ends repeatedly; the end of {daemons.log(self._home, name)}:\n{last}")


def why_not(api: Api, node: Node) -> str | None:
    """Why the cluster is not ready; None if it is."""
    try:
        return _node(api, node) or _addons(api, node) or _default_account(api)
    except Unreachable as error:
        return str(error)


def _node(api: Api, node: Node) -> str | None:
    try:
        api_node: dict[str, Any] = api.get(f"/api/v1/nodes/{NODE}")
    except Unreachable:
        return f"the kubelet has not registered node {NODE}"
    conditions = {condition["type"]: condition for condition in api_node["status"].get("conditions", [])}
    ready = conditions.get("Ready")
    if ready is None or api_node["status"]["nodeInfo"]["bootID"] != node.boot_id:
        return f"the kubelet has not reported on node {NODE} yet"
    if ready["status"] != "True":
        return f"node {NODE} is not ready: {ready.get('message', ready.get('reason'))}"
    for name, port in _PORTS.items():
        try:
            socket.create_connection((NODE_IP, port), timeout=1).close()
        except OSError as error:
            return f"{name} does not listen yet: {error.strerror or error}"
    taints = [taint["key"] for taint in api_node["spec"].get("taints", [])]
    return f"node {NODE} has taints {', '.join(taints)}" if taints else None


def _addons(api: Api, node: Node) -> str | None:
    for namespace, deployment in addons.DEPLOYMENTS.items():
        pods = [pod for pod in api.items(f"/api/v1/namespaces/{namespace}/pods") if name_of(pod).startswith(deployment)]
        reasons = [why_pod(cast(dict[str, Any], pod), node) for pod in pods]
        if None not in reasons:
            return f"deployment {namespace}/{deployment}: {'; '.join(filter(None, reasons)) or 'no pod yet'}"
    return None


def why_pod(pod: dict[str, Any], node: Node) -> str | None:
    """Why a pod is not ready; None if its containers were started in this run of the node and are ready."""
    name, status = pod["metadata"]["name"], pod["status"]
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return f"pod {name} is not scheduled: {condition.get('message', '')}"
    containers = status.get("containerStatuses", [])
    for container in containers:
        state = container["state"]
        for kind in ("waiting", "terminated"):
            if kind in state:
                return f"pod {name} {state[kind].get('reason', kind)}: {state[kind].get('message', '')}".rstrip(": ")
        # The status of an earlier run of the node may still report "ready".
        if not container["ready"] or not node.has_container(container["containerID"]):
            return f"pod {name} is not ready"
    return None if containers else f"pod {name} is {status.get('phase', 'new')}"


def _default_account(api: Api) -> str | None:
    try:
        api.get("/api/v1/namespaces/default/serviceaccounts/default")
    except Unreachable:
        return "the service account default/default does not exist yet"
    return None
