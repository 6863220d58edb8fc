"""`make bench`: measures, and writes docs/performance.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.bench import checking, deploying, report
from dev.bench.cluster import named
from dev.bench.measure import machine
from dev.bench.table import Row, Skipped
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.paths import ROOT

_COUNTS = {checking.PART: (10, 100, 1000, 3000), deploying.PART: (10, 100, 300, 1000)}


def main(arguments: list[str] | None = None) -> int:
    """The command; see `--help`."""
    parser = argparse.ArgumentParser(prog="dev.bench", description=__doc__)
    parser.add_argument("--part", choices=sorted(_COUNTS), action="append", help="one part alone; may be repeated")
    parser.add_argument(
        "--jobs", type=_numbers, help='numbers of jobs, for example "10 100", instead of each part\'s own'
    )
    parser.add_argument("--runs", type=int, default=3, help="of each command that changes nothing; the best counts")
    parser.add_argument("--kubeconfig", type=Path, help="of the cluster for part b")
    parser.add_argument("--context", help="its kube-context")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page is written")
    given = parser.parse_args(arguments)
    about = machine()
    say(about)
    found: list[Row | Skipped] = []
    for part in sorted(set(given.part or _COUNTS)):
        for one in _measured(part, given):
            found.append(one)
            say(_shown(one))
    data = given.docs / report.DATA
    before: dict[str, Any] = json.loads(data.read_text(encoding="utf-8")) if data.exists() else {}
    report.write(given.docs, report.merged(before, about, found))
    say(f"written: {given.docs / report.PAGE}")
    return 0


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def _measured(part: str, given: argparse.Namespace) -> Iterator[Row | Skipped]:
    counts: list[int] = list(given.jobs or _COUNTS[part])
    if part == checking.PART:
        return checking.measure(counts, given.runs)
    return deploying.measure(counts, named(part, given.kubeconfig, given.context))


def _shown(one: Row | Skipped) -> str:
    if isinstance(one, Skipped):
        return f"{one.part}: not measured: {one.reason}"
    ours, theirs = (f"{side.wall:.2f} s, CPU {side.cpu:.2f} s" for side in (one.ours, one.theirs))
    ratios = f"{one.time_ratio:.1f} and {one.cpu_ratio:.1f} times"
    return f"{one.part}: {one.work}, {one.jobs} jobs: {ours}; {one.peer}: {theirs}; {ratios}"


if __name__ == "__main__":
    sys.exit(exit_code(main))
