"""`python -m flink_k8s.operations.plan STACK`: what the pending change does to each job.

Exit code 0, 3 when a job loses state that is not allowed to, 1 for an error, which a refusal of the engine is too.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from flink_k8s.operations.deploy import find
from flink_k8s.operations.plan.plan import plan
from flink_k8s.operations.plan.preview import PreviewError, parse
from flink_k8s.operations.plan.report import Report
from flink_k8s.operations.plan.state import Operator
from flink_k8s.operations.stack import Stack, prepare
from flink_k8s.support import output_file
from flink_k8s.support.processes import FailedError, add_allowed, finish, say

STATE_LOSS = 3


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(
        prog="flink_k8s.operations.plan", description="what the pending change does to each job"
    )
    parser.add_argument("stack")
    parser.add_argument("--layer", type=Path, help="a file of config that is laid over the stack's")
    parser.add_argument("--preview-json", type=Path, metavar="FILE", help="read this preview; no engine is asked")
    add_allowed(parser)
    parser.add_argument("--format", choices=["text", "markdown"], default="text", help="of what is printed")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown to this file, too")
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # a pull request gets the plan alone
        stack = prepare(options.stack, options.layer)
        try:
            preview = parse(_preview_json(stack, options.preview_json))
        except PreviewError as error:
            raise FailedError(f"{options.preview_json or 'the preview'}: {error}") from None
    operator = stack.platform.settings.operator
    limits = {name: namespace.limits for name, namespace in stack.platform.settings.namespaces.items()}
    found = plan(preview, Operator(operator.version, operator.configuration), limits)
    report = Report(stack.name, found, tuple(options.allow_state_loss))
    for name in report.unused:
        print(f"note: no job {name} loses state: it need not be allowed", file=sys.stderr)
    say(report.markdown() if options.format == "markdown" else report.text())
    if options.markdown:
        output_file.write(options.markdown, report.markdown())
    if found.errors:
        return 1
    return STATE_LOSS if report.losses else 0


def _preview_json(stack: Stack, saved: Path | None) -> str:
    if saved is None:
        return find(context=stack.context).preview_json(stack)
    try:
        return saved.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise FailedError(f"{saved}: {error}") from None


if __name__ == "__main__":
    finish(main)
