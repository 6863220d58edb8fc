"""A broken job, until `up` has failed with the reason, compared with the time at which the cluster has the error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dev.bench.live_cluster import BY_CODE, NAMESPACE, PART, STACK, Config, Live, replaced, seconds_until
from dev.bench.measure import Cost
from dev.bench.table import Row
from flink_k8s.support.errors import CommandError, ExitCode

_JOB = "word-count"
_PROGRAM = "jobs/pyflink/src/word_count.py"
_MAIN = "    options = parse(arguments)\n"


@dataclass(frozen=True)
class Case:
    """A broken job.

    Attributes:
        title: of the case.
        reason: pattern of the error in the cluster and in the output of `up`.
        settings: of the job.
        code: that the program runs first.
    """

    title: str
    reason: str
    settings: Config
    code: str = ""


CASES = (
    Case("an image that does not exist", "ErrImagePull|ImagePullBackOff", {"image": "pyflink:not-built"}),
    Case("an unknown argument", "unrecognized arguments: --outptu", {"parameters": {"outptu": "/data/output"}}),
    Case("code that raises an error", "RuntimeError: broken", {}, '    raise RuntimeError("broken")\n'),
)


def measure(live: Live) -> Iterator[Row]:
    """A row per case."""
    for case in CASES:
        replaced(live.folder / _PROGRAM, _MAIN, _MAIN + case.code)
        try:
            yield _row(live, case)
        finally:
            live.run("up", STACK, config={"images": BY_CODE, "jobs": {_JOB: {"enabled": False}}})


def _row(live: Live, case: Case) -> Row:
    config: Config = {"images": BY_CODE, "jobs": {_JOB: {"enabled": True, **case.settings}}}
    live.run("build", config=config)
    seconds, up = seconds_until(
        f"the error of {case.title}",
        lambda: bool(re.search(case.reason, _cluster(live))),
        lambda: live.run("up", STACK, accepted=(ExitCode.FAILURE,), config=config),
    )
    if not re.search(case.reason, up.output):
        raise CommandError(f"`up` with {case.title} does not print {case.reason}: {up.output[-1000:]}")
    return Row(PART, f"broken job: {case.title}", 1, "make up", up.cost, "the cluster has the error", Cost(seconds))


def _cluster(live: Live) -> str:
    """The status of the job's pods, and their logs."""
    job = ("-n", NAMESPACE, "-l", f"app={_JOB}")
    status = live.kubectl.try_run("get", "pods", *job, "-o", "jsonpath={.items[*].status}")
    logs = live.kubectl.try_run("logs", *job, "--tail=-1")
    return (status.stdout + logs.stdout).decode(errors="replace")
