"""Part a: `make check` and `make render` beside `helm template`, and beside reading and writing the same YAML."""

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
    """Rows as they are measured.

    Args:
        counts: numbers of jobs.
        runs: of each command; the best counts.
    """
    try:
        helm: str | None = find_tool("helm")
    except CommandError as error:
        helm = None
        yield Skipped(PART, f"helm template: {error}")
    for count in counts:
        with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
            yield from _of(Path(place), count, runs, helm)


def _of(place: Path, count: int, runs: int, helm: str | None) -> Iterator[Row]:
    folder = project(place / "project", count)
    python = sys.executable
    done: dict[str, Cost] = {
        "check": cost([python, "-m", "flink_k8s", "check", STACK], folder, runs=runs),
        "render": cost([python, "-m", "flink_k8s", "render", STACK, place / "out"], folder, runs=runs),
    }
    peers = {"YAML read and written": cost([python, "-c", PLAIN, folder / "jobs"], folder, runs=runs)}
    if helm is not None:
        peers["helm template"] = cost([helm, "template", "jobs", chart(place / "chart", count)], place, runs=runs)
    for work, ours in done.items():
        for peer, theirs in peers.items():
            yield Row(PART, work, count, f"make {work}", ours, peer, theirs)
