"""Lists a job's directories by a pod."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flink_k8s.config.problems import shortened
from flink_k8s.config.secret_text import redacted
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.state_snapshot import StateSnapshot, of_files
from flink_k8s.store.pod import Task
from flink_k8s.store.run import run_pod

LISTING = Task("list-state", "lists the files", Path(__file__).with_name("ListSnapshots.class"), 120)


@dataclass(frozen=True)
class Listing:
    """The content of a job's directories.

    Attributes:
        directories: those that were listed completely.
        snapshots: the savepoints and checkpoints in them.
        problems: the directories that could not be listed, and why.
    """

    directories: tuple[str, ...] = ()
    snapshots: tuple[StateSnapshot, ...] = ()
    problems: tuple[str, ...] = ()


async def list_directories(api_client: Any, job: Job, stack: DeclaredStack, directories: Sequence[str]) -> Listing:
    """List the directories by one pod, which is deleted afterwards, and so is its NetworkPolicy.

    Args:
        api_client: of `kubernetes_asyncio`.
        job: whose directories are listed.
        stack: that declares the job.
        directories: of the job's checkpoints and savepoints.

    Raises:
        StorePodError: if the pod cannot be created, or does not end in time; with the reason.
    """
    return read_listing(await run_pod(api_client, LISTING, job, stack, directories))


def read_listing(rows: Sequence[Sequence[str]]) -> Listing:
    """The content of the directories, by the rows that `ListSnapshots` prints."""
    return Listing(
        tuple(row[1] for row in rows if row[0] == "listed"),
        tuple(of_files(int(row[1]), int(row[2]), row[3]) for row in rows if row[0] == "snapshot"),
        tuple(f"{row[1]}: {shortened(redacted(row[2]), 300)}" for row in rows if row[0] == "failed"),
    )
