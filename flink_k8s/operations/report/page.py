"""The report as one HTML page without scripts and external resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final, get_args

from flink_k8s.config.findings import Severity
from flink_k8s.config.problems import printable
from flink_k8s.operations.live_jobs import Health
from flink_k8s.operations.report.content import Content, JobEntry
from flink_k8s.resolve.resource_requests import HEADINGS
from flink_k8s.support.console import counted

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --muted: #777; --good: #1a7f37; --bad: #cf222e; --wait: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --muted: #999; --good: #3fb950; --bad: #f85149; --wait: #d29922; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1280px; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.15rem; margin: 2rem 0 .5rem; padding-bottom: .25rem; }
p, li { margin: .25rem 0; overflow-wrap: anywhere; }
.muted { color: var(--muted); }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; margin: 1rem 0; padding: 0; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; }
.counts b { display: block; font-size: 1.4rem; line-height: 1.2; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
th { color: var(--muted); font-size: .85rem; font-weight: 600; }
time { white-space: nowrap; }
small { color: var(--muted); display: block; }
.healthy { color: var(--good); }
.failed, .missing, .error { color: var(--bad); }
.waiting, .warning { color: var(--wait); }
@media (max-width: 760px) {
  body { padding: 1rem; }
  thead { display: none; }
  tr { border-bottom: 1px solid var(--line); display: block; padding: .5rem 0; }
  td { border: 0; display: grid; gap: 0 .5rem; grid-template-columns: 7.5rem 1fr; padding: .1rem 0; }
  td::before { color: var(--muted); content: attr(data-heading); }
  td > small { grid-column: 2; }
  td:empty { display: none; }
}
@media print { body { max-width: none; padding: 0; } }
"""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(content: Content) -> str:
    """The page. All texts are escaped."""
    time = content.time.strftime("%Y-%m-%d %H:%M UTC")
    body = [
        f"<h1>Stack {_text(content.stack)}</h1>",
        f'<p class="muted">{_text(content.context)}, {time}</p>',
        _counts(content),
        *(f'<p class="warning">{_text(note)}</p>' for note in content.notes),
        "<h2>Jobs</h2>",
        _table(_job_headings(content), map(_job_cells, content.jobs)) if content.jobs else "<p>No jobs.</p>",
        "<h2>Resources</h2>",
        _table(
            ("Namespace", *_headings(), *_cost_heading(content)),
            (
                [_text(name), *map(_text, requests), *([_text(cost)] if cost else [])]
                for name, requests, cost in content.teams
            ),
        ),
        "<h2>Manual changes</h2>",
        *_drift(content),
        "<h2>Findings</h2>",
        *_findings(content),
    ]
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(content.stack)}: Flink jobs</title><style>{_STYLE}</style></head><body>",
            *body,
            "</body></html>",
            "",
        )
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _counts(content: Content) -> str:
    health = Counter(entry.live.health for entry in content.jobs)
    warnings = sum(remark.severity is Severity.WARNING for remark in content.findings)
    numbers = [(len(content.jobs), "jobs", "")]
    numbers += [(health[name], name, name) for name in get_args(Health) if health[name]]
    numbers += [(warnings, "warnings", "warning")] if warnings else []
    numbers += [(len(content.drift), "objects with manual changes", "warning")] if content.drift else []
    items = (f'<li class="{style}"><b>{number}</b>{name}</li>' for number, name, style in numbers)
    return f'<ul class="counts">{"".join(items)}</ul>'


def _cost_heading(content: Content) -> list[str]:
    return ["Monthly cost"] if any(cost for _, _, cost in content.teams) else []


def _headings() -> list[str]:
    return [heading if heading == "CPU" else heading.capitalize() for heading in HEADINGS]


def _job_headings(content: Content) -> list[str]:
    return ["Job", "Health", "Last state", "Flink", *_headings(), *_cost_heading(content)]


def _job_cells(entry: JobEntry) -> list[str]:
    live, snapshot = entry.live, entry.live.snapshot
    status = _text(live.status) + (f'<span class="error"> {_text(live.error)}</span>' if live.error else "")
    state = (
        "" if snapshot is None else f"<time>{_text(snapshot.shown_time)}</time><small>{_text(snapshot.path)}</small>"
    )
    details = ", ".join(filter(None, [entry.upgrade_mode, entry.parallelism and f"parallelism {entry.parallelism}"]))
    return [
        f"<b>{_text(entry.title)}</b><small>{_text(entry.job.kind)}</small>",
        f'<span class="{live.health}">{live.health}</span>' + (f"<small>{status}</small>" if status else ""),
        state,
        f"{_text(entry.flink_version)}<small>{_text(details)}</small>",
        *map(_text, entry.requests),
        *([_text(entry.cost)] if entry.cost else []),
    ]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that contain HTML; on a narrow screen, each row is a list of headings and cells."""
    head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
    lines = [
        "<tr>"
        + "".join(
            f'<td data-heading="{_text(heading)}">{cell}</td>' for heading, cell in zip(headings, row, strict=True)
        )
        + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"


def _drift(content: Content) -> Iterator[str]:
    if content.drift is None:
        yield '<p class="muted">Not compared. Add --drift.</p>'
    elif not content.drift:
        yield "<p>None.</p>"
    else:
        for title, changes in content.drift.items():
            items = "".join(f"<li>{_text(change)}</li>" for change in changes)
            yield f"<p><b>{_text(title)}</b></p><ul>{items}</ul>"


def _findings(content: Content) -> Iterator[str]:
    if not content.findings:
        yield "<p>None.</p>"
        return
    yield f"<p>{counted(len(content.findings), 'finding')}:</p><ul>"
    for remark in content.findings:
        severity = remark.severity.value
        yield f'<li><span class="{severity}">{severity}</span>: {_text(str(remark.problem))}</li>'
    yield "</ul>"
