"""The formats of a plan: a table for the terminal, Markdown for a pull request, and a closing line."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from flink_k8s.plan.effects import Effect
from flink_k8s.plan.others import OtherChange
from flink_k8s.plan.plan import JobPlan, Plan
from flink_k8s.plan.reasons import reasons_of
from flink_k8s.plan.steps import Operation
from flink_k8s.resolve.quota_usage import JobRequests
from flink_k8s.resolve.resource_requests import HEADINGS, cells
from flink_k8s.support.console import counted

_SIGNS = {Operation.CREATE: "+", Operation.UPDATE: "~", Operation.REPLACE: "+-", Operation.DELETE: "-"}
_WORDS = {
    Operation.CREATE: "create",
    Operation.UPDATE: "update",
    Operation.REPLACE: "replace",
    Operation.DELETE: "delete",
}


@dataclass(frozen=True)
class Report:
    """A plan, and the state losses that the user allows.

    Attributes:
        stack: name of the stack.
        plan: of the stack.
        allowed: names of jobs that may lose their state.
    """

    stack: str
    plan: Plan
    allowed: Collection[str] = ()

    @property
    def losses(self) -> list[JobPlan]:
        """The jobs that lose state and are not allowed to."""
        return [job for job in self.plan.jobs if job.outcome.loss and not self._allows(job)]

    @property
    def unused(self) -> list[str]:
        """The allowed names that match no job with state loss."""
        losing = [job for job in self.plan.jobs if job.outcome.loss]
        return [name for name in self.allowed if not any(job.is_named(name) for job in losing)]

    def _allows(self, job: JobPlan) -> bool:
        return any(job.is_named(name) for name in self.allowed)

    def _effect(self, job: JobPlan, *, loss: Callable[[str], str]) -> str:
        if not job.outcome.loss:
            return job.outcome.effect.value
        return f"{loss('state loss')}{' (allowed)' if self._allows(job) else ''}: {job.outcome.effect.value}"

    def text(self) -> str:
        """The plan for the terminal; it ends with the closing line."""
        changed, unchanged = _by_change(self.plan)
        rows: list[tuple[str, ...]] = [("JOB", "EFFECT", *HEADINGS)]
        details: list[list[str]] = [[]]
        for job in changed:
            rows.append((job.title, self._effect(job, loss=str.upper), *_before_and_after(job.was, job.becomes)))
            details.append([*reasons_of(job.outcome)])
        if changed:
            teams = self._teams()
            rows += [(f"{name}: all", "", *requests) for name, requests in teams]
            total = _before_and_after(self.plan.was.total, self.plan.becomes.total)
            rows.append(("all jobs", f"{len(self.plan.jobs)} declared or running", *total))
            details += [[]] * (len(teams) + 1)
        lines = _table(rows, details) if changed else []
        lines += _wrapped(f"nothing ({len(unchanged)}): ", [" ".join(_with_notes(job)) for job in unchanged])
        if self.plan.others:
            lines += [
                "other changes:",
                *(f"  {_SIGNS[other.operation]:<2} {_other(other)}" for other in self.plan.others),
            ]
        lines += [f"error: {error}" for error in self.plan.errors]
        return "\n".join([*lines, self.closing_line()])

    def markdown(self) -> str:
        """The plan for a pull request."""
        changed, unchanged = _by_change(self.plan)
        lines = [f"### Plan of stack `{self.stack}`", "", self.closing_line(), ""]
        if changed:
            lines.append("| job | effect | pods | CPU | memory | storage | reason |")
            lines.append("| --- | --- | --- | --- | --- | --- | --- |")
            for job in changed:
                effect = self._effect(job, loss=lambda text: f"**{text}**")
                reasons = "<br>".join(_escaped(reason) for reason in reasons_of(job.outcome))
                lines.append(
                    f"| `{job.title}` | {effect} | {' | '.join(_before_and_after(job.was, job.becomes))} | {reasons} |"
                )
            lines += [f"| `{name}`: all | | {' | '.join(requests)} | |" for name, requests in self._teams()]
            total = _before_and_after(self.plan.was.total, self.plan.becomes.total)
            lines.append(f"| all jobs | | {' | '.join(total)} | |")
            lines.append("")
        if unchanged:
            lines += [f"{counted(len(unchanged), 'unchanged job')}: {_listed(unchanged)}.", ""]
        if self.plan.others:
            lines += ["<details><summary>Other changes</summary>", ""]
            lines += [f"- {_WORDS[other.operation]} {_escaped(_other(other))}" for other in self.plan.others]
            lines += ["", "</details>", ""]
        lines += [f"> error: {_escaped(error)}" for error in self.plan.errors]
        return "\n".join(lines).rstrip() + "\n"

    def _teams(self) -> list[tuple[str, tuple[str, ...]]]:
        """A line per namespace, if there are several."""
        plan, names = self.plan, self.plan.teams
        teams = [(name, _before_and_after(plan.was.of_team(name), plan.becomes.of_team(name))) for name in names]
        return teams if len(names) > 1 else []

    def closing_line(self) -> str:
        """The summary in one line."""
        start = f"plan of {self.stack}: "
        if self.losses:
            names = " ".join(job.name if self._has_unique_name(job) else job.title for job in self.losses)
            remedy = f'to allow it: make plan STACK={self.stack} ALLOW="{names}"'
            return f"{start}STATE LOSS in {', '.join(job.title for job in self.losses)}; {remedy}"
        counts = Counter(job.outcome.effect for job in self.plan.jobs)
        parts = [
            f"{counts[effect]} {effect.value}" for effect in Effect if counts[effect] and effect is not Effect.NOTHING
        ]
        parts += [f"{counts[Effect.NOTHING]} unchanged"] if counts[Effect.NOTHING] else []
        parts += [counted(len(self.plan.others), "other change")] if self.plan.others else []
        allowed = [job.title for job in self.plan.jobs if job.outcome.loss]
        loss = f"state loss allowed in {', '.join(allowed)}" if allowed else "no state is lost"
        if self.plan.errors:
            loss = f"the list may be incomplete, because the engine refuses the change: {self.plan.errors[0]}"
        return f"{start}{', '.join(parts) or 'no jobs'}; {loss}"

    def _has_unique_name(self, job: JobPlan) -> bool:
        return sum(other.name == job.name for other in self.plan.jobs) == 1


def _by_change(plan: Plan) -> tuple[list[JobPlan], list[JobPlan]]:
    changed = [job for job in plan.jobs if job.outcome.effect is not Effect.NOTHING or job.outcome.loss]
    return changed, [job for job in plan.jobs if job not in changed]


def _before_and_after(was: JobRequests, becomes: JobRequests) -> tuple[str, ...]:
    return tuple(map(_pair, cells(was), cells(becomes)))


def _pair(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _other(other: OtherChange) -> str:
    shown = list(other.fields[:3]) + ([f"{len(other.fields) - 3} more"] if len(other.fields) > 3 else [])
    comment = "; ".join(part for part in (", ".join(shown), other.note) if part)
    return f"{other.title} ({comment})" if comment else other.title


def _table(rows: Sequence[Sequence[str]], details: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines: list[str] = []
    for row, reasons in zip(rows, details, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {reason}" for reason in reasons]
    return lines


def _wrapped(start: str, names: Sequence[str]) -> list[str]:
    return textwrap.wrap(start + ", ".join(names), 120, subsequent_indent="  ") if names else []


def _listed(jobs: Iterable[JobPlan]) -> str:
    return ", ".join(" ".join((f"`{name}`", *notes)) for name, *notes in map(_with_notes, jobs))


def _with_notes(job: JobPlan) -> list[str]:
    """`flink/orders`, followed by `(suspended)`."""
    return [job.title, *(f"({note})" for note in job.outcome.notes)]


def _escaped(text: str) -> str:
    """Text that Markdown prints unchanged, also in a table."""
    for sign in ("\\", "`", "|", "<", ">", "*", "_", "[", "]"):
        text = (
            text.replace(sign, f"\\{sign}")
            if sign not in "<>"
            else text.replace(sign, {"<": "&lt;", ">": "&gt;"}[sign])
        )
    return text.replace("\n", " ")
