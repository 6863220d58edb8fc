"""Which jobs of a stack `make suspend` has stopped: the engine's state has it, of each job, and nothing else does.

So a run that is interrupted, or another job that fails, takes nothing back; and whoever brings the stack up, on any
machine that has its state, leaves those jobs as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.readiness import PLURALS
from local.cluster import sandbox
from local.command import CommandError
from local.engine_state import resources
from local.guard import FLINK_GROUP
from local.ledger import Ledger
from settings import stack_file
from settings.job_spec import SUSPENDED
from settings.stack_file import SUSPENSION
from tools.run import ROOT, say
from tools.stack import Stack, hand_over

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
    found: dict[str, str] = {}
    for key, resource in _jobs(state):
        metadata = cast(Mapping[str, Any], resource["inputs"].get("metadata") or {})
        said = cast(Mapping[str, str], metadata.get("annotations") or {}).get(SUSPENDED)
        if said is not None:
            found[key] = said
    return found


def urns(state: Mapping[str, Any], about: Collection[str]) -> list[str]:
    """The URNs of those jobs in a stack's state."""
    return [str(resource["urn"]) for key, resource in _jobs(state) if key in about]


def _jobs(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for resource in resources(state):
        inputs = cast(Mapping[str, Any], resource.get("inputs") or {})
        if str(inputs.get("apiVersion", "")).startswith(f"{FLINK_GROUP}/") and not resource.get("delete"):
            metadata = cast(Mapping[str, Any], inputs.get("metadata") or {})
            yield f"{inputs['kind']}/{metadata.get('namespace')}/{metadata.get('name')}", resource


def in_ledger(stack: Stack) -> dict[str, str]:
    """The same for the sandbox, where no engine keeps a state; empty where it does not answer."""
    try:
        cluster = sandbox(ROOT, stack_file.read(ROOT, stack.name, stack.config_file))
        entries = Ledger(cluster, stack.name).entries.values()
    except CommandError:
        return {}
    kinds = {kind.lower(): kind for kind in PLURALS}
    return {
        f"{kinds[one.resource.partition('.')[0]]}/{one.namespace}/{one.name}": one.suspended
        for one in entries
        if one.suspended
    }


def carry(stack: Stack, change: Change) -> None:
    """Hands the suspended jobs to the run that follows, and says which they are when it is about all jobs."""
    if not change.jobs and change.about is None:
        return
    about = {} if change.about is None else {"about": sorted(change.about)}
    hand_over(stack, SUSPENSION, {"jobs": dict(sorted(change.jobs.items())), **about})
    if change.about is None:
        shown = ", ".join(f"{key.partition('/')[2]} (since {said})" for key, said in sorted(change.jobs.items()))
        say(f"-- suspended until `make resume STACK={stack.name}`: {shown}")
