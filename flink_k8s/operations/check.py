"""Check the configuration and the job files of stacks, without a cluster and without the `pulumi` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError, shortened
from flink_k8s.config.stack_file import read_config, with_overlay
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.explain import explain, replaced_by_enforced, wanted
from flink_k8s.support.console import counted
from flink_k8s.support.errors import ExitCode
from flink_k8s.support.paths import ROOT

TableFormat = Literal["text", "markdown"]


def check(
    stacks: Sequence[str],
    *,
    root: Path = ROOT,
    config_file: Path | None = None,
    overlay: Path | None = None,
    job: str = "",
    table: TableFormat | None = None,
    planner: bool = False,
) -> int:
    """Print problems and warnings to standard error, a line each, and a summary of each stack; an exit code.

    Args:
        stacks: names of stacks.
        root: the project.
        config_file: instead of `Pulumi.<stack>.yaml`.
        overlay: a file of config that is merged over the stack's.
        job: print the source of each value of this job instead of a summary.
        table: print the resource requests of each job and team.
        planner: plan the statements of SQL jobs with Flink's planner.
    """
    code = ExitCode.OK
    for stack in stacks:
        try:
            platform = load(root, with_overlay(read_config(root, stack, config_file), overlay))
            planned = _planned(platform) if planner else ""
            _print(platform, stack, job, table, planned)
        except ProblemsError as error:
            print(error.report(stack), file=sys.stderr)
            code = ExitCode.FAILURE
    return code


def _planned(platform: DeclaredStack) -> str:
    """Plan the SQL jobs of a stack; what was planned.

    Raises:
        ProblemsError: if Flink refuses a statement.
    """
    from flink_k8s.operations.planner.check import check_sql

    problems, remarks, count = check_sql(platform)
    texts = [str(remark) for remark in remarks]
    if problems:
        raise ProblemsError(problems, [*map(str, platform.remarks), *texts])
    for text in texts:
        print(text, file=sys.stderr)
    return f"Flink's planner has planned {counted(count, 'SQL job')}{', except the statements above' if texts else ''}"


def _print(platform: DeclaredStack, stack: str, job: str, table: TableFormat | None, planned: str) -> None:
    lines = list(explain(wanted(platform.jobs, job))) if job else []
    for remark in platform.remarks:
        print(remark, file=sys.stderr)
    for line in lines:
        print(line)
    if not job:
        if values := replaced_by_enforced(platform.jobs):
            remedy = f"make check STACK={stack} EXPLAIN=<job> shows them"
            print(f"{stack}: enforced replaces {values}; {remedy}")
        requests = resource_requests.declared(platform.jobs, platform.attachments, platform.settings)
        if table:
            rows = resource_requests.markdown if table == "markdown" else resource_requests.text
            print("\n".join(rows(requests, stack)))
        print(f"{stack}: {resource_requests.summary(requests)}")
    if planned:
        print(f"{stack}: {planned}")
    names = ", ".join(sorted(f"{job.namespace}/{job.name}" for job in platform.jobs)) or "none"
    print(shortened(f"{stack}: good; jobs: {names}"))
