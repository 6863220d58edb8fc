"""The sandbox's Prometheus, asked over its API."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flink_k8s.support.kubectl import Kubectl
from tests.waiting import until

SERVICE = "svc/prometheus-operated"  # the Prometheus operator makes it, whatever the chart calls its own


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus whose API answers at `address`."""

    address: str

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer.

        Raises:
            AssertionError: Prometheus refuses the request; with its own words.
            OSError: it does not answer.
        """
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{query}", timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode(errors='replace')[:500]}") from None

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an expression has now: `metric` with labels, `value` with time and text."""
        actual = self.get("query", query=expr)
        return actual["result"] if actual["resultType"] == "vector" else [{"metric": {}, "value": actual["result"]}]

    def labels(self, expr: str, *names: str) -> set[tuple[str, ...]]:
        """The labels of those series; empty text for one that is not there."""
        return {tuple(series["metric"].get(name, "") for name in names) for series in self.query(expr)}

    def rules(self) -> list[dict[str, Any]]:
        """Every rule that is loaded, with its health, its last error and its alerts."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(kubectl: Kubectl, namespace: str) -> Generator[Prometheus]:
    """The Prometheus of a namespace behind a free port of this machine, once it answers.

    Raises:
        AssertionError: it does not within two minutes.
    """
    until(
        "the pod of Prometheus is ready",
        lambda: b"True"
        in kubectl.try_run(
            "get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=prometheus",
            "-o", 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
        ).stdout,
        120,
    )  # fmt: skip
    command = kubectl.command("port-forward", "-n", namespace, SERVICE, ":9090", "--address", "127.0.0.1")
    forwarding = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert forwarding.stdout is not None
        line = forwarding.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 9090
        assert "127.0.0.1:" in line, "kubectl port-forward has ended"
        # It writes a line for each connection, and blocks if the lines are not read.
        threading.Thread(target=forwarding.stdout.read, daemon=True).start()
        yield Prometheus("http://127.0.0.1:" + line.split("127.0.0.1:")[1].split()[0])
    finally:
        forwarding.terminate()
        forwarding.wait()
