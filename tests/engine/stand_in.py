"""Charts without pods, and an operator that finds every job well.

What the engine does with jobs, CRDs and whole environments can be asked of them in seconds, on an API server without
nodes, and where official images cannot be pulled.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flink_k8s.facts import versions
from flink_k8s.support.kubectl import Kubectl
from sandbox import charts
from sandbox.home import home
from sandbox.images import OPERATORS, cert_manager, prometheus
from sandbox.lock import locked
from tests.project import ROOT

_WITH_PODS = {"operator.yaml", "deployments.yaml", "startupapicheck.yaml", "webhook.yaml"}
"""Kinds that the API server without nodes cannot run: pod templates and webhooks."""


def stand_in_charts(folder: Path) -> Path:
    """Builds the charts of all operator versions without their pods; returns the folder, for `charts.mirror`."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(home().lock, "build the charts of the engine's tests"):
        operators = [charts.build_chart(operator) for operator in OPERATORS]
    for chart in operators:
        with tarfile.open(chart) as full, tarfile.open(folder / chart.name, "w:gz") as rest:
            for member in full.getmembers():
                if member.isfile() and member.name.partition("/templates/")[2] not in _WITH_PODS:
                    rest.addfile(member, full.extractfile(member))
    return folder


def mirror(folder: Path) -> str:
    """The layer by which a stack takes its charts from there."""
    return json.dumps({"charts": {"mirror": str(folder)}})


def stand_in_platform(folder: Path) -> Path:
    """`stand_in_charts`, and those of cert-manager and Prometheus, whose operator prints its CRDs."""
    subprocess.run([sys.executable, "-m", "sandbox", "build", "--prometheus"], cwd=ROOT, check=True)
    stand_in_charts(folder)
    definitions = {f"definitions/{name}": text for name, text in cert_manager.definitions(home()).items()}
    _pack(folder, versions.CERT_MANAGER, {**charts.sources("cert-manager"), **definitions})
    definitions = {f"crds/{name}": text for name, text in prometheus.definitions(home()).items()}
    _pack(folder, versions.PROMETHEUS, {**charts.prometheus_sources(), **definitions})
    return folder


def _pack(folder: Path, chart: versions.Chart, contents: Mapping[str, bytes]) -> None:
    rest = {path: text for path, text in contents.items() if path.removeprefix("templates/") not in _WITH_PODS}
    (folder / f"{chart.name}-{chart.version}.tgz").write_bytes(charts.pack(chart.name, rest, chart.version))


def set_status(kubectl: Kubectl, resource: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    """Writes into an object's status, as its controller would."""
    name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]
    patch = ["--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}"]
    kubectl.try_run("patch", resource["kind"].lower(), name, "-n", namespace, *patch)


@contextmanager
def stand_in_operator(kubectl: Kubectl) -> Generator[None]:
    """While the block runs, every FlinkDeployment is STABLE, or SUSPENDED, soon after it was changed."""

    def reconcile(resource: Mapping[str, Any]) -> None:
        is_suspended = resource["spec"].get("job", {}).get("state") == "suspended"
        lifecycle = "SUSPENDED" if is_suspended else "STABLE"
        status = {"lifecycleState": lifecycle, "observedGeneration": resource["metadata"]["generation"]}
        if not status.items() <= resource.get("status", {}).items():
            set_status(kubectl, resource, status)

    with controller(kubectl, "flinkdeployments", reconcile):
        yield


@contextmanager
def controller(kubectl: Kubectl, kinds: str, reconcile: Callable[[Mapping[str, Any]], None]) -> Generator[None]:
    """While the block runs, each object of these kinds is handed to `reconcile`, again and again, once there are any.

    Args:
        kubectl: of the cluster.
        kinds: with commas between.
        reconcile: is given objects as they are now.
    """
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            output = kubectl.try_run("get", kinds, "-A", "-o", "json")
            for item in json.loads(output.stdout)["items"] if output.returncode == 0 else []:
                reconcile(item)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
