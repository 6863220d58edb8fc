"""Runs the pod that lists a job's directories, and reads its output."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.config.problems import shortened
from flink_k8s.config.secret_text import redacted
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import message
from flink_k8s.health.failure_reason import pod_issue, root
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.listing_pod import LISTING_SECONDS, NotListableError, listing_pod, listing_policy
from flink_k8s.snapshots.state_snapshot import StateSnapshot, of_files

_INTERVAL_SECONDS = 0.5
_PREFIX = "flink-k8s\t"


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
        NotListableError: if the pod cannot be created, or does not end in time; with the reason.
    """
    from kubernetes_asyncio import client
    from kubernetes_asyncio.client.exceptions import ApiException

    api = client.CoreV1Api(api_client)
    async with _allowed(client.NetworkingV1Api(api_client), job, stack):
        try:
            pod: Any = await api.create_namespaced_pod(job.namespace, cast(Any, listing_pod(job, stack, directories)))
        except ApiException as error:
            raise NotListableError(f"no pod can be created that lists the files: {message(error)}") from None
        name = str(pod.metadata.name)
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                log = await _log_of_ended(api, job.namespace, name)
        except TimeoutError:
            reason = await _waiting_reason(api, job.namespace, name)
            late = f"the pod that lists the files did not end within {LISTING_SECONDS} s"
            raise NotListableError(f"{late}{reason}") from None
        except ApiException as error:
            raise NotListableError(f"the pod that lists the files cannot be read: {message(error)}") from None
        finally:
            with contextlib.suppress(ApiException):  # the pod ends by its own deadline
                await api.delete_namespaced_pod(name, job.namespace, grace_period_seconds=0)
    return parse(log)


@asynccontextmanager
async def _allowed(api: Any, job: Job, stack: DeclaredStack) -> AsyncGenerator[None]:
    """Allow the pod the connections of the job, if the stack has NetworkPolicies.

    Raises:
        NotListableError: if the policy cannot be created; with the reason.
    """
    from kubernetes_asyncio.client.exceptions import ApiException

    manifest = listing_policy(job, stack)
    if manifest is None:
        yield
        return
    try:
        policy: Any = await api.create_namespaced_network_policy(job.namespace, manifest)
    except ApiException as error:
        text = "no NetworkPolicy can be created for the pod that lists the files"
        raise NotListableError(f"{text}: {message(error)}") from None
    try:
        yield
    finally:
        with contextlib.suppress(ApiException):
            await api.delete_namespaced_network_policy(policy.metadata.name, job.namespace)


async def _log_of_ended(api: Any, namespace: str, name: str) -> str:
    """The log of Flink's container once it has ended; sidecars that a webhook has added may run on."""
    while True:
        pod = await _read(api, namespace, name)
        status = mapping(pod.get("status"))
        containers = [mapping(item) for item in listed(status.get("containerStatuses"))]
        has_ended = any(
            item.get("name") == MAIN_CONTAINER and mapping(item.get("state")).get("terminated") for item in containers
        )
        if has_ended or status.get("phase") in ("Succeeded", "Failed"):
            return str(await api.read_namespaced_pod_log(name, namespace, container=MAIN_CONTAINER))
        await asyncio.sleep(_INTERVAL_SECONDS)


async def _read(api: Any, namespace: str, name: str) -> Mapping[str, object]:
    pod = await api.read_namespaced_pod(name, namespace)
    return cast(Mapping[str, object], api.api_client.sanitize_for_serialization(pod))


async def _waiting_reason(api: Any, namespace: str, name: str) -> str:
    from kubernetes_asyncio.client.exceptions import ApiException

    try:
        trouble = pod_issue(await _read(api, namespace, name))
    except ApiException:
        return ""
    return f": {trouble}" if trouble else ""


def parse(log: str) -> Listing:
    """The output of `ListSnapshots`, among the lines of other programs.

    Raises:
        NotListableError: if it did not run; with the root cause in the log.
    """
    rows = list(_rows(log))
    if not rows:
        reason = shortened(redacted(root(log)), 300) or "the pod has printed nothing"
        raise NotListableError(f"the listing of the files failed: {reason}")
    return Listing(
        tuple(row[1] for row in rows if row[0] == "listed"),
        tuple(of_files(int(row[1]), int(row[2]), row[3]) for row in rows if row[0] == "snapshot"),
        tuple(f"{row[1]}: {shortened(redacted(row[2]), 300)}" for row in rows if row[0] == "failed"),
    )


def _rows(log: str) -> Iterator[list[str]]:
    for line in log.splitlines():
        if line.startswith(_PREFIX):
            yield line.removeprefix(_PREFIX).split("\t")
