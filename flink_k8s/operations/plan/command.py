"""Print the effect of a pending change on each job of a stack, as text or Markdown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from flink_k8s.operations.deploy import find
from flink_k8s.operations.plan.preview import parse
from flink_k8s.operations.plan.report import Report
from flink_k8s.operations.planner.compare import compared
from flink_k8s.operations.stack import Stack
from flink_k8s.plan import plan as planning
from flink_k8s.plan.guard import allowed_by_change
from flink_k8s.plan.state import Operator
from flink_k8s.support import output_file
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError, ExitCode

Format = Literal["text", "markdown"]


def plan(
    stack: Stack,
    *,
    saved: Path | None = None,
    allowed: Sequence[str] = (),
    form: Format = "text",
    markdown: Path | None = None,
) -> int:
    """Print the effect of the pending change on each job; an exit code.

    Args:
        stack: the stack.
        saved: a file with the engine's preview as JSON; None to run the engine.
        allowed: jobs that may lose their state, by name, `namespace/name` or `kind/namespace/name`.
        form: the format of the printed plan.
        markdown: a file for the plan as Markdown.

    Raises:
        CommandError: if the preview fails, or the file cannot be written.
    """
    with contextlib.redirect_stdout(sys.stderr):  # standard output contains only the plan
        text = find(context=stack.context).preview_json(stack) if saved is None else _read(saved)
        preview = parse(text, str(saved or "the preview"))
    settings = stack.platform.settings
    limits = {name: namespace.limits for name, namespace in settings.namespaces.items()}
    operator = Operator(settings.operator.version, settings.operator.configuration)
    planned = planning.plan(preview, operator, limits, compared(preview, settings.repository))
    by_change = allowed_by_change(preview, operator, settings.allow_state_loss)
    report = Report(stack.name, planned, (*allowed, *sorted(by_change)))
    for name in report.unused:
        print(f"note: job {name} does not lose state; remove it from ALLOW", file=sys.stderr)
    say(report.markdown() if form == "markdown" else report.text())
    if markdown:
        output_file.write(markdown, report.markdown())
    if planned.errors:
        return ExitCode.FAILURE
    return ExitCode.LOSS if report.losses else ExitCode.OK


def _read(saved: Path) -> str:
    try:
        return saved.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{saved}: {error}") from None
