"""Which jobs of a stack `make suspend` has stopped: the engine's state has it, of each job, and nothing else does.

So a run that is interrupted, or another job that fails, takes nothing back; and whoever brings the stack up, on any
machine that has its state, leaves those jobs as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flink_k8s.config.stack_file import SUSPENSION
from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.operations.stack import Stack, hand_over
from flink_k8s.program.engine_state import recorded
from flink_k8s.program.recording import Resource
from flink_k8s.resolve.job_spec import SUSPENDED
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError

_COMPONENT = "::flink-k8s:index:FlinkJob$"
"""In the URN of a job that this version has deployed."""

Suspended = Mapping[str, str]
"""Jobs by `kind/namespace/name`: since when they are suspended, and by whom."""


@dataclass(frozen=True)
class Change:
    """What a run is told of suspended jobs.

    Attributes:
        jobs: that are suspended in the end.
        about: the jobs that the run is about, by `kind/namespace/name`; None for all.
    """

    jobs: Suspended
    about: Collection[str] | None = None


def in_state(state: Mapping[str, Any]) -> dict[str, str]:
    """The suspended jobs of a stack.

    Args:
        state: the stack's, as it is exported.
    """
    said = {key: job.annotations.get(SUSPENDED) for key, job in _jobs(state).items()}
    return {key: since for key, since in said.items() if since is not None}


def urns(state: Mapping[str, Any], about: Collection[str]) -> list[str]:
    """The URNs of those jobs in a stack's state, for an operation that targets them.

    Raises:
        CommandError: if version 0.1 deployed the stack. The jobs then have other URNs than in the program, and the
            engine would target nothing.
    """
    targets = {key: job for key, job in _jobs(state).items() if key in about}
    former = sorted(key for key, job in targets.items() if _COMPONENT not in job.urn)
    if former:
        raise CommandError(
            f"version 0.1 of flink-k8s deployed {', '.join(former)}; run `make up` first, which keeps every job running"
        )
    return [job.urn for job in targets.values()]


def _jobs(state: Mapping[str, Any]) -> dict[str, Resource]:
    found = [one for one in recorded(state).things if one.api_group == FLINK_GROUP]
    return {f"{one.kind}/{one.namespace}/{one.object_name}": one for one in found}


def carry(stack: Stack, change: Change) -> None:
    """Hands the suspended jobs to the run that follows, and says which they are when it is about all jobs."""
    if not change.jobs and change.about is None:
        return
    about = {} if change.about is None else {"about": sorted(change.about)}
    hand_over(stack, SUSPENSION, {"jobs": dict(sorted(change.jobs.items())), **about})
    if change.about is None:
        shown = ", ".join(f"{key.partition('/')[2]} (since {said})" for key, said in sorted(change.jobs.items()))
        say(f"-- suspended until `make resume STACK={stack.name}`: {shown}")
