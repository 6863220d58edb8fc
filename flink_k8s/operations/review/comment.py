"""The comment: problems first, then the effect on each job, then every object that differs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.config.namespace import Limits
from flink_k8s.config.problems import code_span
from flink_k8s.operations.plan.preview import parse
from flink_k8s.operations.plan.report import Report
from flink_k8s.operations.review.trees import Declared
from flink_k8s.plan.plan import plan
from flink_k8s.plan.state import Operator
from flink_k8s.support.console import counted

MARK = "<!-- flink-k8s: make review -->"
"""First line of the comment; the next run finds the comment by it."""

LONGEST = 60_000
"""GitHub allows 65536 characters in a comment."""


@dataclass(frozen=True)
class Compared:
    """A stack in both trees.

    Attributes:
        stack: name of the stack.
        base: the merge base of the branch.
        head: the branch.
        shown: the branch; invalid job files are replaced by those of the base, so that the rest can be shown.
        allowed: jobs that may lose their state.
    """

    stack: str
    base: Declared
    head: Declared
    shown: Declared
    allowed: Collection[str] = ()

    @property
    def added(self) -> list[str]:
        """Files of new objects."""
        return sorted(self.shown.manifests.keys() - self.base.manifests.keys())

    @property
    def removed(self) -> list[str]:
        """Files of deleted objects."""
        return sorted(self.base.manifests.keys() - self.shown.manifests.keys())

    @property
    def changed(self) -> list[str]:
        """Files of changed objects."""
        both = self.base.manifests.keys() & self.shown.manifests.keys()
        return sorted(name for name in both if self.base.manifests[name] != self.shown.manifests[name])

    @property
    def is_comparable(self) -> bool:
        """Whether the declarations of both trees are known."""
        return self.base.is_known and self.shown.is_known

    @property
    def remarks(self) -> list[str]:
        """New warnings and notices."""
        before = set(self.base.remarks)
        return [line for line in self.shown.remarks if line not in before]

    @property
    def report(self) -> Report:
        """The plan for a deployment of the branch over the base."""
        operator = self.shown.operator or self.base.operator
        preview = parse(preview_json(self.base.resources, self.shown.resources))
        limits = {name: Limits.model_validate(values) for name, values in self.shown.limits.items()}
        changes = plan(preview, Operator(operator["version"], operator["configuration"]), limits)
        return Report(self.stack, changes, self.allowed)


def preview_json(base: Sequence[Mapping[str, Any]], head: Sequence[Mapping[str, Any]]) -> str:
    """The engine's preview of a change from the first declaration to the second, as input of the plan."""
    old = {_identity(resource): resource for resource in base}
    new = {_identity(resource): resource for resource in head}
    steps = [_step(old.get(key), new.get(key)) for key in [*new, *(key for key in old if key not in new)]]
    return json.dumps({"steps": steps})


def _identity(resource: Mapping[str, Any]) -> tuple[str, str]:
    """Type and name of a resource. Its parent may differ in the base: aliases match them, as in an upgrade."""
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
    """The comment in Markdown.

    Args:
        compared: the stacks.
        base: name of the base, to print.
        checks: whether other checks passed, by name.
    """
    parts = [MARK, f"## Effects of this change, compared with `{base}`", "", *_table(compared), ""]
    if checks:
        parts += [" · ".join(f"{'✅' if passed else '❌'} {name}" for name, passed in checks.items()), ""]
    parts += _problems(compared)
    parts += _findings(compared)
    parts += _removed_stacks(compared)
    for stack in compared:
        if stack.is_comparable and (stack.added or stack.removed or stack.changed):
            parts += [stack.report.markdown()]
    return _with_objects("\n".join(parts).rstrip() + "\n", compared)


def fails(compared: Sequence[Compared]) -> bool:
    """Whether the change must not be merged: it has problems, or a job loses its state."""
    return any(not stack.head.is_known or (stack.is_comparable and stack.report.losses) for stack in compared)


def _table(compared: Iterable[Compared]) -> list[str]:
    lines = ["| stack | check | objects | jobs |", "| --- | --- | --- | --- |"]
    for stack in compared:
        if stack.head.failure:
            check = "❌ cannot be evaluated"
        elif stack.head.problems:
            check = f"❌ {counted(len(stack.head.problems), 'problem')}"
        else:
            check = f"⚠️ {counted(len(stack.remarks), 'new finding')}" if stack.remarks else "✅"
        if stack.is_comparable:
            objects = f"+{len(stack.added)} ~{len(stack.changed)} -{len(stack.removed)}"
            jobs = stack.report.closing_line().partition(": ")[2].partition("; to allow it")[0]
        else:
            objects = jobs = "?"
        lines.append(f"| `{stack.stack}` | {check} | {objects} | {jobs} |")
    return lines


def _problems(compared: Sequence[Compared]) -> list[str]:
    lines: list[str] = []
    for line, stacks in _by_line((stack.stack, stack.head.problems) for stack in compared):
        lines.append(f"- {code_span(line)} ({stacks})")
    for stack in compared:
        for name, side in (("this branch", stack.head), ("the base", stack.base)):
            if side.failure:
                lines.append(f"- `{stack.stack}` of {name} cannot be evaluated: {code_span(side.failure)}")
        if stack.base.problems:
            lines.append(f"- `{stack.stack}` had problems before this branch: {code_span(stack.base.problems[0])}")
    if not lines:
        return []
    broken = sorted(
        {name for stack in compared if stack.head.problems and stack.is_comparable for name in stack.head.files}
    )
    note = [f"The rest of this comment uses the base's version of {', '.join(map(code_span, broken))}.", ""]
    return ["### Problems", "", *lines, "", *(note if broken else [])]


def _findings(compared: Sequence[Compared]) -> list[str]:
    lines = [
        f"- {code_span(line)} ({stacks})"
        for line, stacks in _by_line((stack.stack, stack.remarks) for stack in compared)
    ]
    return ["### New findings of rules and policies", "", *lines, ""] if lines else []


def _removed_stacks(compared: Sequence[Compared]) -> list[str]:
    """Stacks whose file the branch removes: their deployments stay until someone destroys them."""
    lines = [
        f"- `{stack.stack}` has no stack file any more. Its deployed resources stay until you run"
        f" `make destroy STACK={stack.stack}` in the base."
        for stack in compared
        if not stack.head.exists
    ]
    return ["### Removed stacks", "", *lines, ""] if lines else []


def _by_line(reports: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, str]]:
    """Each line once, with its stacks."""
    stacks: dict[str, list[str]] = {}
    for stack, lines in reports:
        for line in lines:
            stacks.setdefault(line, []).append(stack)
    return [(line, ", ".join(names)) for line, names in stacks.items()]


def _with_objects(text: str, compared: Sequence[Compared]) -> str:
    """The text, and as many diffs of objects as fit."""
    if len(text) > LONGEST:
        text = (
            text[: text.rindex("\n", 0, LONGEST) + 1]
            + "\nToo long for a comment. Run `make review` for the complete text.\n"
        )
    left_out: list[str] = []
    for stack in compared:
        if not stack.is_comparable:
            continue
        names = [*stack.changed, *stack.added, *stack.removed]
        blocks = [
            _block(name, stack.base.manifests.get(name, ""), stack.shown.manifests.get(name, "")) for name in names
        ]
        if not blocks:
            continue
        section = f"\n<details><summary>Objects of <code>{stack.stack}</code>: {len(blocks)}</summary>\n\n"
        count = 0
        for block in blocks:
            if len(text) + len(section) + len(block) > LONGEST:
                break
            section += block
            count += 1
        if count < len(blocks):
            left_out.append(f"{len(blocks) - count} of {stack.stack}")
        text += f"{section}</details>\n"
    if left_out:
        text += f"\nToo long for a comment: objects {', '.join(left_out)}. Run `make review` for all objects.\n"
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
