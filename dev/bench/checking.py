"""Part a: `make check` and `make render`, compared with `helm template` and with reading and writing the YAML."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.bench.measure import Cost, cost
from dev.bench.table import Row, Skipped
from dev.bench.workload import PLAIN, STACK, chart, project
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool

PART = "a"


def measure(counts: Sequence[int], runs: int) -> Iterator[Row | Skipped]:
    """The rows of the part.

    Args:
        counts: numbers of jobs.
        runs: of each command; the best run counts.
    """
    try:
        helm: str | None = find_tool("helm")
    except CommandError as error:
        helm = None
        yield Skipped(PART, f"helm template: {error}")
    for count in counts:
        with TemporaryDirectory(prefix="flink-k8s-bench-") as folder_:
            yield from _of(Path(folder_), count, runs, helm)


def _of(folder_: Path, count: int, runs: int, helm: str | None) -> Iterator[Row]:
    folder = project(folder_ / "project", count)
    python = sys.executable
    costs: dict[str, Cost] = {
        "check": cost([python, "-m", "flink_k8s", "check", STACK], folder, runs=runs),
        "render": cost([python, "-m", "flink_k8s", "render", STACK, folder_ / "out"], folder, runs=runs),
    }
    peers = {"YAML read and written": cost([python, "-c", PLAIN, folder / "jobs" / STACK], folder, runs=runs)}
    if helm is not None:
        peers["helm template"] = cost([helm, "template", "jobs", chart(folder_ / "chart", count)], folder_, runs=runs)
    for work, ours in costs.items():
        for peer, theirs in peers.items():
            yield Row(PART, work, count, f"make {work}", ours, peer, theirs)
