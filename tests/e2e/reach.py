"""Who reaches whom in the sandbox, by sockets: pods that connect, and pods that listen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flink_k8s.support.kubectl import Kubectl
from tests.waiting import until

PATIENCE = 2
"""Seconds after which a connection that was not answered counts as refused: a policy drops packets without a word."""
_LISTEN = (
    "import http.server as h, sys, threading\n"
    "for port in map(int, sys.argv[1:]):\n"
    "    server = h.ThreadingHTTPServer(('', port), h.BaseHTTPRequestHandler)\n"
    "    threading.Thread(target=server.serve_forever).start()\n"
)


@dataclass(frozen=True)
class Place:
    """A pod, and the container of it that connects."""

    namespace: str
    pod: str
    container: str


def pod(
    namespace: str, name: str, labels: Mapping[str, str] | None = None, ports: Iterable[int] = ()
) -> dict[str, Any]:
    """A pod that keeps the restricted profile, waits, and listens at some ports if any are given."""
    ports = list(ports)
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    whole = {"runAsNonRoot": True, "runAsUser": 9999, "seccompProfile": {"type": "RuntimeDefault"}}
    command = ["python3", "-c", _LISTEN, *map(str, ports)] if ports else ["sleep", "infinity"]
    container = {
        "name": "c",
        "image": "pyflink:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "securityContext": own,
        "resources": {"requests": {"cpu": "1m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    }
    spec = {
        "containers": [container],
        "securityContext": whole,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
    }
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def address(kubectl: Kubectl, namespace: str, *selector: str) -> str:
    """The address of a pod, by name or by labels (`-l`, selector), once it is ready."""
    kubectl.run("wait", "--for=condition=Ready", "pod", *selector, "-n", namespace, "--timeout=60s")
    actual = "jsonpath={.status.podIP}" if selector[0] != "-l" else "jsonpath={.items[0].status.podIP}"
    return kubectl.run("get", "pod", *selector, "-n", namespace, "-o", actual).decode()


def reached(kubectl: Kubectl, place: Place, targets: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """The targets that accept a connection from a pod; all are tried in parallel."""
    targets = list(targets)
    tries = [
        f"(timeout {PATIENCE} bash -c 'exec 3<>/dev/tcp/{host}/{port}' 2>/dev/null && echo {host} {port}) &"
        for host, port in targets
    ]
    command = ["exec", "-n", place.namespace, place.pod, "-c", place.container, "--", "bash", "-c"]
    output = kubectl.run(*command, "\n".join([*tries, "wait"])).decode()
    matches = {(host, int(port)) for host, port in (line.split() for line in output.splitlines())}
    assert matches <= set(targets)
    return matches


Table = Mapping[tuple[str, str], bool]
"""Whether a named pod reaches a named target."""


def agree(
    kubectl: Kubectl, sources_by_name: Mapping[str, Place], targets_by_name: Mapping[str, tuple[str, int]], table: Table
) -> None:
    """Tries each pair of a table; what is to be reached may take some seconds to be, the rest never is.

    Raises:
        AssertionError: with each pair that differs from the table.
    """
    wrong: list[str] = []

    def look() -> bool:
        wrong.clear()
        sources = sorted({source for source, _ in table})
        with ThreadPoolExecutor(len(sources)) as pool:
            requests = {
                source: [targets_by_name[target] for item, target in table if item == source] for source in sources
            }
            answers = dict(
                zip(
                    sources,
                    pool.map(lambda item: reached(kubectl, sources_by_name[item], requests[item]), sources),
                    strict=True,
                )
            )
        for (source, target), expected in table.items():
            if (targets_by_name[target] in answers[source]) != expected:
                wrong.append(f"{source} {'does not reach' if expected else 'reaches'} {target}")
        forbidden = [item for item in wrong if " reaches " in item]
        assert not forbidden, forbidden
        return not wrong

    try:
        until("every pair is as it is to be", look, 40)
    except AssertionError as error:
        raise AssertionError(f"{error}: {json.dumps(wrong, indent=1)}") from None
