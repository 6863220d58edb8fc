"""The guard of protected jobs: what an `up` or `destroy` would delete of them, found before anything is touched.

The engine refuses to delete a protected resource by itself, but as late as it comes to it: without a preview, a renamed
job would run twice by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.engine_state import recorded
from local.recording import Recording
from settings.job_files import FLINK_GROUP


@dataclass(frozen=True)
class Protected:
    """A protected resource that is in the cluster.

    Attributes:
        identity: what tells it from others: its URN, or its key in the ledger.
        title: for people: `FlinkDeployment flink/word-count`.
        name: its own name.
        is_job: whether it is one of Flink's resources.
    """

    identity: str
    title: str
    name: str
    is_job: bool


def in_state(state: Mapping[str, Any]) -> list[Protected]:
    """The protected resources of a stack.

    Args:
        state: what `pulumi stack export` prints.
    """
    held = [one for one in recorded(state).resources if one.protect]
    return [Protected(one.urn, one.title, one.object_name or one.name, one.api_group == FLINK_GROUP) for one in held]


def undeclared(protected: Iterable[Protected], declared: Collection[str]) -> list[Protected]:
    """Those that an `up` would delete.

    Args:
        protected: what is in the cluster.
        declared: identities of all that the program declares now.
    """
    return [one for one in protected if one.identity not in declared]


def urns(recording: Recording) -> frozenset[str]:
    """The identities of what a program declares, as a state has them."""
    return frozenset(recording.by_urn)


def refusal(doomed: Sequence[Protected], stack: str, *, destroy: bool) -> str:
    """Why nothing was done, and how to go on.

    Args:
        doomed: what would be deleted; not empty.
        stack: its name.
        destroy: whether the whole stack was to go.
    """
    count = f"{len(doomed)} protected resource{'s' if len(doomed) > 1 else ''}"
    lines = [f"refused, nothing was done: {count} would be deleted"]
    lines += [f"  {one.title}" for one in sorted(doomed, key=lambda one: one.title)]
    jobs = sorted({one.name for one in doomed if one.is_job})
    if destroy:
        said = "protectJobs: false (and protect: false of the jobs that say true)"
        lines.append(f"to go on: set {said} in Pulumi.{stack}.yaml, run `make up STACK={stack}`, then this again")
    else:
        said = ", ".join(f"jobs.{name}.protect: false" for name in jobs) or "protectJobs: false"
        lines.append(
            "it is no longer declared under that kind, namespace and name. To keep it: declare it so again. To go on: "
            f"declare it so again with {said} in Pulumi.{stack}.yaml, run `make up STACK={stack}`, then make this "
            "change again"
        )
    if jobs:
        lines.append(
            "its state: with savepointOnDeletion: true a savepoint is taken as the job goes, and restoreFrom starts "
            "a job from it; docs/state.md"
        )
    return "\n".join(lines)
