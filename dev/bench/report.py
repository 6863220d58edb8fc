"""Write docs/performance.md, its plot and its data from measured rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from math import log10
from pathlib import Path
from typing import Any, cast

from dev.bench.table import Row, Skipped

DATA, PLOT, PAGE = "performance.json", "performance.svg", "performance.md"
PARTS = {
    "a": "Check and render",
    "b": "Deploy: the `pulumi` command on an API server without nodes",
    "c": "On a live cluster: the times that users see",
    "d": "The operator with many jobs",
}
_BEGIN, _END = "<!-- measured: written by make bench -->", "<!-- end of measured -->"
_WIDTH, _HEIGHT, _MARGIN = 780, 320, 60
_DRAWN: Mapping[str, Sequence[str]] = {
    "b": ("first deployment", "preview of nothing"),
    "c": (),
    "d": ("all jobs deployed",),
}
"""Work of a part that is drawn, if not all of it: one per command."""
_COLOURS = ("#1f6feb", "#d1495b", "#2a9d5c", "#8a5cd1", "#b7791f", "#5b6770")


def merged(before: Mapping[str, Any], machine: str, results: Iterable[Row | Skipped]) -> dict[str, Any]:
    """The data of earlier runs, with the parts of this run replaced.

    Args:
        before: data of earlier runs; empty at first.
        machine: of this run.
        results: of this run.
    """
    parts = dict(cast(Mapping[str, Any], before.get("parts") or {}))
    for name, group in groupby(sorted(results, key=lambda result: result.part), lambda result: result.part):
        items = list(group)
        rows = [item.as_json() for item in items if isinstance(item, Row)]
        skipped = [item.reason for item in items if isinstance(item, Skipped)]
        if rows or name not in parts:  # a part that cannot be measured here keeps earlier results
            parts[name] = {"machine": machine, "rows": rows, "skipped": skipped}
    return {"parts": dict(sorted(parts.items()))}


def write(docs: Path, data: Mapping[str, Any]) -> None:
    """Write data, plot, and the measured part of the page; the rest of the page is unchanged."""
    (docs / DATA).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (docs / PLOT).write_text(plot(data), encoding="utf-8")
    page = docs / PAGE
    page.write_text(replaced(page.read_text(encoding="utf-8"), _BEGIN, _END, tables(data)), encoding="utf-8")


def replaced(page: str, begin: str, end: str, text: str) -> str:
    """The page with other text between two markers."""
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}"


def tables(data: Mapping[str, Any]) -> str:
    """A table per part, and the skipped measurements."""
    lines: list[str] = []
    for name, part in cast(Mapping[str, Any], data["parts"]).items():
        lines += [f"## {PARTS.get(name, name)}", "", f"{part['machine']}.", ""]
        if part["rows"]:
            lines += [
                "| work | jobs | here | compared with | peer | time | CPU | memory |",
                "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
                *(_line(row) for row in part["rows"]),
                "",
            ]
        lines += [f"Not measured: {reason}." for reason in part["skipped"]]
        lines += [""] if part["skipped"] else []
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    ratios = (row[f"{quantity}_ratio"] for quantity in ("time", "cpu", "memory"))
    theirs = _cost(row["theirs"]) if row["theirs"] else ""
    cells = (row["peer"], theirs, *("" if ratio is None else f"{ratio:.1f}" for ratio in ratios))
    return f"| {row['work']} (`{row['command']}`) | {row['jobs']} | {_cost(row['ours'])} | {' | '.join(cells)} |"


def _cost(cost: Mapping[str, float]) -> str:
    seconds = f"{cost['wall']:.2f} s"
    return f"{seconds}, CPU {cost['cpu']:.2f} s, {cost['megabytes']:.0f} MB" if cost["cpu"] else seconds


def plot(data: Mapping[str, Any]) -> str:
    """CPU time by number of jobs: a panel per part with logarithmic axes, a line per command and peer."""
    panels = {part: lines for part in PARTS if (lines := _lines(data, part))}
    if not panels:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n'
    height = _HEIGHT * len(panels)
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, (part, lines) in enumerate(panels.items()):
        drawn += [f'<g transform="translate(0 {number * _HEIGHT})">', *_panel(PARTS[part], lines), "</g>"]
    return "\n".join([*drawn, "</svg>", ""])


def _panel(title: str, lines: Mapping[str, Sequence[tuple[int, float]]]) -> list[str]:
    every = [point for points in lines.values() for point in points]
    left, right = log10(min(jobs for jobs, _ in every)), log10(max(jobs for jobs, _ in every))
    low, high = log10(min(time for _, time in every)), log10(max(time for _, time in every))

    def at(jobs: float, time: float) -> tuple[float, float]:
        across = (log10(jobs) - left) / ((right - left) or 1)
        up = (log10(time) - low) / ((high - low) or 1)
        return _MARGIN + across * (_WIDTH - 5 * _MARGIN), _HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN)

    label = title.replace("`", "")
    drawn = [f'<text x="{_MARGIN}" y="24">{escape(label)}: CPU seconds by number of jobs</text>']
    for jobs in sorted({jobs for jobs, _ in every}):
        x, _ = at(jobs, 10**low)
        drawn.append(f'<text x="{x:.0f}" y="{_HEIGHT - _MARGIN + 20}" text-anchor="middle">{jobs}</text>')
    for time in _ticks(10**low, 10**high):
        _, y = at(10**left, time)
        drawn.append(f'<text x="{_MARGIN - 8}" y="{y + 4:.0f}" text-anchor="end">{time:g}</text>')
        drawn.append(f'<path d="M{_MARGIN} {y:.0f}H{_WIDTH - 4 * _MARGIN}" stroke="#e0e0e0"/>')
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (at(*point) for point in points))
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _MARGIN + 18 * number
        drawn.append(f'<text x="{_WIDTH - 4 * _MARGIN + 12}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return drawn


def _lines(data: Mapping[str, Any], part: str) -> dict[str, Sequence[tuple[int, float]]]:
    """Points by command and peer; a command with only one number of jobs has no line."""
    parts = cast("Mapping[str, Mapping[str, Any]]", data["parts"])
    rows = cast("list[Mapping[str, Any]]", parts[part]["rows"] if part in parts else [])
    results: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["work"] not in _DRAWN.get(part, (row["work"],)):
            continue
        for name, side in ((str(row["command"]), "ours"), (str(row["peer"]), "theirs")):
            results.setdefault(name, {})[int(row["jobs"])] = float(row[side]["cpu"])
    return {name: sorted(points.items()) for name, points in results.items() if len(points) > 1}


def _ticks(low: float, high: float) -> list[float]:
    """The values 1, 3, 10, 30, 100 … in the range."""
    every = [base * 10.0**power for power in range(-3, 5) for base in (1, 3)]
    return [tick for tick in every if low <= tick <= high]
