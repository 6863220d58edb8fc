"""cyclonus, an evaluator of NetworkPolicies: built once from its pinned module, asked by files, without a cluster."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import golang
from sandbox.home import home
from tests.e2e.storage_servers import installed, run

CYCLONUS = "github.com/mattfenwick/cyclonus/cmd/cyclonus@v0.5.6"

_VERDICT = re.compile(r"^\| IS ALLOWED\? *\| *(TRUE|FALSE) ", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """One end of a connection: a pod, or an address outside.

    Attributes:
        address: IP address.
        namespace: of the pod; empty for an address outside.
        labels: of the pod.
    """

    address: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As cyclonus reads it."""
        if not self.namespace:
            return {"IP": self.address}
        return {
            "IP": self.address,
            "Internal": {
                "Namespace": self.namespace,
                "NamespaceLabels": {"kubernetes.io/metadata.name": self.namespace},
                "PodLabels": dict(self.labels),
            },
        }


@dataclass(frozen=True)
class Connection:
    """A connection that a pod tries to open.

    Attributes:
        source: who.
        target: to whom.
        port: `8081` or `53/UDP`.
    """

    source: Place
    target: Place
    port: str

    def as_json(self) -> dict[str, Any]:
        """As cyclonus reads it."""
        number, _, protocol = self.port.partition("/")
        return {
            "Source": self.source.as_json(),
            "Destination": self.target.as_json(),
            "ResolvedPort": int(number),
            "ResolvedPortName": "",
            "Protocol": protocol or "TCP",
        }


def cyclonus() -> Path:
    """The program."""

    def install(folder: Path) -> None:
        go = golang.toolchain(home())
        run(go, "install", CYCLONUS, env={"GOBIN": str(folder), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"})

    return installed(CYCLONUS.rpartition("/")[2], "cyclonus", install)


def verdicts(policies: Sequence[Mapping[str, Any]], connections: Sequence[Connection]) -> list[bool]:
    """Whether each connection is let pass, by both ends.

    Args:
        policies: NetworkPolicies as Kubernetes gets them.
        connections: what is tried.

    Raises:
        AssertionError: cyclonus did not answer each.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policies").mkdir()
        listed = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": list(policies)}
        (folder / "policies" / "all.yaml").write_text(yaml.safe_dump(listed))
        (folder / "traffic.json").write_text(json.dumps([connection.as_json() for connection in connections]))
        requests = ["analyze", "--mode", "query-traffic", "--policy-path", "policies", "--traffic-path", "traffic.json"]
        result = subprocess.run([cyclonus(), *requests], cwd=folder, text=True, capture_output=True, check=False)
    output = [match == "TRUE" for match in _VERDICT.findall(result.stdout)]
    assert result.returncode == 0, result.stderr[-2000:]
    assert len(output) == len(connections), f"{len(output)} answers to {len(connections)} questions"
    return output
