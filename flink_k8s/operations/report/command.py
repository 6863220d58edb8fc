"""Write the report about a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flink_k8s.operations import deploy, live_jobs
from flink_k8s.operations.drift import find_drift
from flink_k8s.operations.live_jobs import LiveJob
from flink_k8s.operations.report.content import content_of
from flink_k8s.operations.report.page import page
from flink_k8s.operations.report.prices import read_prices
from flink_k8s.operations.stack import Stack
from flink_k8s.support import output_file
from flink_k8s.support.console import counted, say
from flink_k8s.support.errors import CommandError, ExitCode


def report(
    stack: Stack, html: Path, *, prices: Path | None = None, offline: bool = False, with_drift: bool = False
) -> int:
    """Write the report, and print a line for each part of the cluster that could not be read; an exit code.

    Args:
        stack: the stack.
        html: the written file.
        prices: a file with prices; None for a report without costs.
        offline: whether to leave out the cluster.
        with_drift: whether to compare the cluster with the engine's state, too.

    Returns:
        FAILURE if something could not be read; the report is written nevertheless, and contains the reason.

    Raises:
        CommandError: if the prices or the state cannot be read, or the file cannot be written.
    """
    price_list = read_prices(prices) if prices is not None else None
    jobs, notes = _read(stack, offline=offline)
    drift = _drift(stack) if with_drift else None
    content = content_of(stack, jobs, prices=price_list, drift=drift, notes=notes)
    output_file.write(html, page(content))
    for note in content.notes:
        say(f"{stack.name}: {note}")
    say(f"{stack.name}: {counted(len(content.jobs), 'job')} in {html}")
    return ExitCode.FAILURE if content.notes and not offline else ExitCode.OK


def _read(stack: Stack, *, offline: bool) -> tuple[Mapping[str, LiveJob], Sequence[str]]:
    """The jobs in the cluster by key, and what could not be read."""
    if offline:
        return {}, ["The cluster was not read (--offline): health and savepoints are unknown."]
    try:
        return live_jobs.read(stack)
    except CommandError as error:
        return {}, [f"{error}. Health and savepoints are unknown."]


def _drift(stack: Stack) -> Mapping[str, Sequence[str]]:
    command = deploy.find(context=stack.context).pulumi
    # Another run may change the stack meanwhile: the report recovers and locks nothing.
    env, _ = deploy.prepare_run(command, stack, allows_concurrent_run=True)
    return find_drift(stack, command, env)[0]
