"""The comment: problems first, then what happens to each job, then every object that differs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.config.namespace import Limits
from flink_k8s.config.problems import code_span
from flink_k8s.operations.plan.plan import plan
from flink_k8s.operations.plan.preview import parse
from flink_k8s.operations.plan.report import Report
from flink_k8s.operations.plan.state import Operator
from flink_k8s.operations.review.trees import Declared

MARK = "<!-- flink-k8s: make review -->"
"""First line of the comment, by which the next run finds it."""

LONGEST = 60_000
"""GitHub takes 65536 characters of a comment."""


@dataclass(frozen=True)
class Compared:
    """One stack in both trees.

    Attributes:
        stack: its name.
        base: what the branch started from.
        head: the branch as it is.
        shown: the branch with its broken job files as they were before, where that was needed to show the rest.
        allowed: jobs that may lose their state.
    """

    stack: str
    base: Declared
    head: Declared
    shown: Declared
    allowed: Collection[str] = ()

    @property
    def added(self) -> list[str]:
        """Files of objects that are new."""
        return sorted(self.shown.manifests.keys() - self.base.manifests.keys())

    @property
    def removed(self) -> list[str]:
        """Files of objects that go."""
        return sorted(self.base.manifests.keys() - self.shown.manifests.keys())

    @property
    def changed(self) -> list[str]:
        """Files of objects that differ."""
        both = self.base.manifests.keys() & self.shown.manifests.keys()
        return sorted(name for name in both if self.base.manifests[name] != self.shown.manifests[name])

    @property
    def is_comparable(self) -> bool:
        """Whether both sides are known."""
        return self.base.is_known and self.shown.is_known

    @property
    def remarks(self) -> list[str]:
        """Warnings and notices that the base does not have."""
        before = set(self.base.remarks)
        return [line for line in self.shown.remarks if line not in before]

    @property
    def report(self) -> Report:
        """The plan, as if the base were what is deployed."""
        operator = self.shown.operator or self.base.operator
        preview = parse(preview_json(self.base.resources, self.shown.resources))
        limits = {name: Limits.model_validate(said) for name, said in self.shown.limits.items()}
        found = plan(preview, Operator(operator["version"], operator["configuration"]), limits)
        return Report(self.stack, found, self.allowed)


def preview_json(base: Sequence[Mapping[str, Any]], head: Sequence[Mapping[str, Any]]) -> str:
    """Two declarations as the engine's preview of the second over the first, for the plan."""
    old = {_identity(one): one for one in base}
    new = {_identity(one): one for one in head}
    steps = [_step(old.get(key), new.get(key)) for key in [*new, *(key for key in old if key not in new)]]
    return json.dumps({"steps": steps})


def _identity(resource: Mapping[str, Any]) -> tuple[str, str]:
    """Type and name of a resource. Its parent may be another in the base: aliases take it over, as in an upgrade."""
    _, _, types, name = str(resource["urn"]).split("::", 3)
    return types.rpartition("$")[2], name


def _step(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    step: dict[str, Any] = {"urn": (new or old or {})["urn"]}
    if old is not None:
        step["oldState"] = old
    if new is not None:
        step["newState"] = new
    if old is None or new is None:
        return {**step, "op": "create" if old is None else "delete"}
    moved = [f"metadata.{key}" for key in ("name", "namespace") if _metadata(old).get(key) != _metadata(new).get(key)]
    if moved:
        return {**step, "op": "replace", "replaceReasons": moved}
    return {**step, "op": "same" if old["inputs"] == new["inputs"] else "update"}


def _metadata(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], resource["inputs"].get("metadata") or {})


def comment(compared: Sequence[Compared], base: str, checks: Mapping[str, bool] | None = None) -> str:
    """The whole comment in Markdown.

    Args:
        compared: of each stack.
        base: what it was compared with, for people.
        checks: other checks by name, and whether they passed.
    """
    parts = [MARK, f"## What this change does, compared with `{base}`", "", *_table(compared), ""]
    if checks:
        parts += [" · ".join(f"{'✅' if good else '❌'} {name}" for name, good in checks.items()), ""]
    parts += _problems(compared)
    parts += _findings(compared)
    parts += _gone(compared)
    for one in compared:
        if one.is_comparable and (one.added or one.removed or one.changed):
            parts += [one.report.markdown()]
    return _with_objects("\n".join(parts).rstrip() + "\n", compared)


def fails(compared: Sequence[Compared]) -> bool:
    """Whether the change may not be merged as it is: problems, or a job that loses its state."""
    return any(not one.head.is_known or (one.is_comparable and one.report.losses) for one in compared)


def _table(compared: Iterable[Compared]) -> list[str]:
    lines = ["| stack | check | objects | jobs |", "| --- | --- | --- | --- |"]
    for one in compared:
        if one.head.failure:
            check = "❌ cannot be asked"
        elif one.head.problems:
            check = f"❌ {_count(one.head.problems, 'problem')}"
        else:
            check = f"⚠️ {_count(one.remarks, 'new finding')}" if one.remarks else "✅"
        if one.is_comparable:
            objects = f"+{len(one.added)} ~{len(one.changed)} -{len(one.removed)}"
            jobs = one.report.closing_line().partition(": ")[2].partition("; to go on")[0]
        else:
            objects = jobs = "?"
        lines.append(f"| `{one.stack}` | {check} | {objects} | {jobs} |")
    return lines


def _count(lines: Sequence[str], what: str) -> str:
    return f"{len(lines)} {what}{'' if len(lines) == 1 else 's'}"


def _problems(compared: Sequence[Compared]) -> list[str]:
    lines: list[str] = []
    for line, stacks in _by_line((one.stack, one.head.problems) for one in compared):
        lines.append(f"- {code_span(line)} ({stacks})")
    for one in compared:
        for name, side in (("this branch", one.head), ("the base", one.base)):
            if side.failure:
                lines.append(f"- `{one.stack}` of {name} cannot be asked: {code_span(side.failure)}")
        if one.base.problems:
            lines.append(f"- `{one.stack}` was broken before: {code_span(one.base.problems[0])}")
    if not lines:
        return []
    broken = sorted({name for one in compared if one.head.problems and one.is_comparable for name in one.head.files})
    note = [f"What follows has {', '.join(map(code_span, broken))} as before.", ""] if broken else []
    return ["### To be mended", "", *lines, "", *note]


def _findings(compared: Sequence[Compared]) -> list[str]:
    lines = [
        f"- {code_span(line)} ({stacks})" for line, stacks in _by_line((one.stack, one.remarks) for one in compared)
    ]
    return ["### New findings of rules and policies", "", *lines, ""] if lines else []


def _gone(compared: Sequence[Compared]) -> list[str]:
    """What becomes of stacks that the branch takes away: of their own accord, nothing."""
    lines = [
        f"- `{one.stack}` has no stack file any more. What is deployed of it stays, until"
        f" `make destroy STACK={one.stack}` of the base takes it away."
        for one in compared
        if not one.head.is_there
    ]
    return ["### Stacks that go", "", *lines, ""] if lines else []


def _by_line(said: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, str]]:
    """Each line once, with the stacks that say it."""
    stacks: dict[str, list[str]] = {}
    for stack, lines in said:
        for line in lines:
            stacks.setdefault(line, []).append(stack)
    return [(line, ", ".join(names)) for line, names in stacks.items()]


def _with_objects(text: str, compared: Sequence[Compared]) -> str:
    """The text and as many of the objects' diffs as fit."""
    if len(text) > LONGEST:
        text = text[: text.rindex("\n", 0, LONGEST) + 1] + "\nToo long for a comment. `make review` shows it all.\n"
    left_out: list[str] = []
    for one in compared:
        if not one.is_comparable:
            continue
        names = [*one.changed, *one.added, *one.removed]
        blocks = [_block(name, one.base.manifests.get(name, ""), one.shown.manifests.get(name, "")) for name in names]
        if not blocks:
            continue
        shown = f"\n<details><summary>Objects of <code>{one.stack}</code>: {len(blocks)}</summary>\n\n"
        count = 0
        for block in blocks:
            if len(text) + len(shown) + len(block) > LONGEST:
                break
            shown += block
            count += 1
        if count < len(blocks):
            left_out.append(f"{len(blocks) - count} of {one.stack}")
        text += f"{shown}</details>\n"
    if left_out:
        text += f"\nToo long for a comment: objects {', '.join(left_out)}. `make review` shows them all.\n"
    return text


def _block(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), name if old else "/dev/null", name if new else "/dev/null", lineterm="", n=3
    )
    body = "\n".join(lines)
    fence = "`" * 3
    while fence in body:
        fence += "`"
    return f"`{name}`\n{fence}diff\n{body}\n{fence}\n"
