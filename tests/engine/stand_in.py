"""Charts without pods, and an operator that finds every job well.

What the engine does with jobs, CRDs and whole environments can be asked of them in seconds, on an API server without
nodes, and where official images cannot be pulled.
"""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = "flink-kubernetes-operator"
ALL = (OPERATOR, "cert-manager", "kube-prometheus-stack")

_WITH_PODS = {"operator.yaml", "deployments.yaml", "startupapicheck.yaml", "webhook.yaml"}
"""Templates of pods, and of webhooks that nobody would answer."""


def stand_in_charts(folder: Path, names: Sequence[str] = (OPERATOR,)) -> Path:
    """Makes them from the sandbox's charts; returns the folder, to be named as mirror."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        charts = sorted((ROOT / ".sandbox" / "charts").glob(f"{name}-*.tgz"))
        assert len(charts) >= (2 if name == OPERATOR else 1)
        for chart in charts:
            with tarfile.open(chart) as full, tarfile.open(folder / chart.name, "w:gz") as rest:
                for member in full.getmembers():
                    template = member.name.partition("/templates/")[2]
                    if member.isfile() and template not in _WITH_PODS:
                        rest.addfile(member, full.extractfile(member))
    return folder


@contextmanager
def stand_in_operator(kubectl: Kubectl) -> Generator[None]:
    """While the block runs, every FlinkDeployment is STABLE soon after it was changed."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            found = kubectl.try_run("get", "flinkdeployments", "-A", "-o", "json")
            items: list[dict[str, Any]] = json.loads(found.stdout)["items"] if found.returncode == 0 else []
            for one in items:
                metadata = one["metadata"]
                status = {"lifecycleState": "STABLE", "observedGeneration": metadata["generation"]}
                if status.items() <= one.get("status", {}).items():
                    continue
                patch = ["--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}"]
                kubectl.try_run("patch", "flinkdeployment", metadata["name"], "-n", metadata["namespace"], *patch)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
