"""Part c: the times that users see, on the sandbox: a real Kubernetes, operator and Flink.

The commands run in a copy of this project, with a state of their own. The sandbox is empty before and afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from dev.bench import adopting, changing, failing, restoring, starting
from dev.bench.live_cluster import PART, STACK, Live
from dev.bench.measure import run
from dev.bench.table import Row, Skipped
from flink_k8s.operations.deploy import SANDBOX_CONTEXT
from flink_k8s.operations.review.trees import copy_work
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT, find_tool
from sandbox import users
from sandbox.home import home


def _destroy(live: Live) -> Iterator[Row]:
    """Delete the stack, without a row."""
    live.run("destroy", STACK, "--yes")
    return iter(())


Measure = Callable[[Live], Iterator[Row]]
MEASURES: dict[str, Measure] = {
    "from an empty cluster to the first word count": starting.measure,
    "changed code": changing.measure,
    "broken jobs": failing.measure,
    "restore drill": restoring.measure,
    "deletion of the stack": _destroy,
}


def measure(counts: Sequence[int]) -> Iterator[Row | Skipped]:
    """The rows of the part.

    Args:
        counts: numbers of adopted jobs.
    """
    try:
        run([sys.executable, "-m", "sandbox", "up", "--cert-manager", "--prometheus"], ROOT)
        kubectl = Kubectl(find_tool("kubectl"), SANDBOX_CONTEXT, home().kubeconfig)
    except CommandError as error:
        yield Skipped(PART, f"it requires the sandbox: {error}")
        return
    namespaces = kubectl.run("get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}").decode().split()
    if work := users.work(namespaces):
        yield Skipped(PART, f"the sandbox is not empty: it has {', '.join(work)}; run make destroy STACK={STACK}")
        return
    with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
        live = Live(Path(place) / "project", kubectl)
        copy_work(ROOT, live.folder)
        for name in (".venv", ".sandbox"):
            (live.folder / name).symlink_to(ROOT / name)
        state = {"FLINK_K8S_STATE": f"{place}/state", "PULUMI_BACKEND_URL": f"file://{place}/state"}
        with patch.dict(os.environ, {**state, "PULUMI_CONFIG_PASSPHRASE": "bench"}):
            Path(place, "state").mkdir()
            for title, rows in MEASURES.items():
                yield from _attempted(title, lambda rows=rows: rows(live))
            for count in counts:
                yield from _attempted(f"adoption of {count} jobs", lambda count=count: adopting.measure(live, count))


def _attempted(title: str, rows: Callable[[], Iterator[Row]]) -> Iterator[Row | Skipped]:
    """The rows of a measure, or the reason why it failed: the others are measured then, too."""
    try:
        yield from rows()
    except (CommandError, AssertionError) as error:
        yield Skipped(PART, f"{title}: {error}")
