"""`make bench`: measure, and write docs/performance.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.bench import checking, deploying, live, operating, report
from dev.bench.cluster import cluster_kubectl
from dev.bench.measure import Cost, machine
from dev.bench.table import Row, Skipped
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.paths import ROOT

_COUNTS = {
    checking.PART: (10, 100, 1000, 3000),
    deploying.PART: (10, 100, 300, 1000),
    live.PART: (50,),
    operating.PART: (100, 500, 1000),
}


def main(arguments: list[str] | None = None) -> int:
    """The command; see `--help`."""
    parser = argparse.ArgumentParser(prog="dev.bench", description=__doc__)
    parser.add_argument("--part", choices=sorted(_COUNTS), action="append", help="only this part; may be repeated")
    parser.add_argument(
        "--jobs", type=_numbers, help='numbers of jobs, for example "10 100", instead of each part\'s own'
    )
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of each command that changes nothing; the best run counts"
    )
    parser.add_argument("--kubeconfig", type=Path, help="kubeconfig of the cluster for parts b and d")
    parser.add_argument("--context", help="kube-context of that cluster")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the page")
    options = parser.parse_args(arguments)
    machine_title = machine()
    say(machine_title)
    results: list[Row | Skipped] = []
    for part in sorted(set(options.part or _COUNTS)):
        for result in _measured(part, options):
            results.append(result)
            say(_shown(result))
    data = options.docs / report.DATA
    before: dict[str, Any] = json.loads(data.read_text(encoding="utf-8")) if data.exists() else {}
    report.write(options.docs, report.merged(before, machine_title, results))
    say(f"written: {options.docs / report.PAGE}")
    return 0


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def _measured(part: str, options: argparse.Namespace) -> Iterator[Row | Skipped]:
    counts: list[int] = list(options.jobs or _COUNTS[part])
    if part == checking.PART:
        return checking.measure(counts, options.runs)
    if part == live.PART:
        return live.measure(counts)
    cluster = cluster_kubectl(part, options.kubeconfig, options.context)
    return operating.measure(counts, cluster) if part == operating.PART else deploying.measure(counts, cluster)


def _shown(result: Row | Skipped) -> str:
    if isinstance(result, Skipped):
        return f"{result.part}: not measured: {result.reason}"
    shown = f"{result.part}: {result.work}, {result.jobs} jobs: {_cost(result.ours)}"
    return f"{shown}; {result.peer}: {_cost(result.theirs)}" if result.theirs else shown


def _cost(cost: Cost) -> str:
    return f"{cost.wall:.2f} s, CPU {cost.cpu:.2f} s"


if __name__ == "__main__":
    sys.exit(exit_code(main))
