"""The jobs of a stack that `make suspend` has stopped; only the engine's state records them, per job.

So an interrupted run, or another job that fails, does not resume them; and every `make up`, on any machine that uses
the state, keeps them suspended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flink_k8s.config.stack_file import SUSPENSION
from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.operations.stack import Stack, set_config
from flink_k8s.program.engine_state import state_graph
from flink_k8s.program.resource_graph import Resource
from flink_k8s.resolve.job_spec import SUSPENDED
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError

_COMPONENT = "::flink-k8s:index:FlinkJob$"
"""Part of the URN of a job that this version has deployed."""

Suspended = Mapping[str, str]
"""Jobs by `kind/namespace/name`: time and user of their suspension."""


@dataclass(frozen=True)
class Change:
    """The suspended jobs that a run deploys.

    Attributes:
        jobs: that are suspended after the run.
        about: the jobs that the run changes, by `kind/namespace/name`; None for all.
    """

    jobs: Suspended
    about: Collection[str] | None = None


def in_state(state: Mapping[str, Any]) -> dict[str, str]:
    """The suspended jobs in a stack's state.

    Args:
        state: the stack's exported state.
    """
    suspensions = {key: job.annotations.get(SUSPENDED) for key, job in _jobs(state).items()}
    return {key: since for key, since in suspensions.items() if since is not None}


def keys(state: Mapping[str, Any]) -> list[str]:
    """The Flink resources in a stack's state, as `kind/namespace/name`."""
    return sorted(_jobs(state))


def urns(state: Mapping[str, Any], about: Collection[str]) -> list[str]:
    """The URNs of jobs in a stack's state, for an operation that targets them.

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
    jobs = [item for item in state_graph(state).objects if item.api_group == FLINK_GROUP]
    return {f"{job.kind}/{job.namespace}/{job.object_name}": job for job in jobs}


def carry(stack: Stack, change: Change) -> None:
    """Pass the suspended jobs to the next run, and print them if the run changes all jobs.

    Without the key, the program reads the suspended jobs from the engine's state.
    """
    about = {} if change.about is None else {"about": sorted(change.about)}
    set_config(stack, SUSPENSION, {"jobs": dict(sorted(change.jobs.items())), **about})
    if change.jobs and change.about is None:
        titles = ", ".join(f"{key.partition('/')[2]} (since {since})" for key, since in sorted(change.jobs.items()))
        say(f"-- suspended until `make resume STACK={stack.name}`: {titles}")
