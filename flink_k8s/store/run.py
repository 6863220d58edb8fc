"""Runs a short-lived pod that uses a job's store, and reads its output."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from flink_k8s.config.problems import shortened
from flink_k8s.config.secret_text import redacted
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import message
from flink_k8s.health.failure_reason import pod_issue, root
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.jobs import Job
from flink_k8s.store.pod import StorePodError, Task, store_pod, store_policy

_INTERVAL_SECONDS = 0.5
_PREFIX = "flink-k8s\t"

Feed = Callable[[str], Awaitable[None]]
"""Writes the standard input of a pod by its name, once the container runs."""


async def run_pod(
    api_client: Any, task: Task, job: Job, stack: DeclaredStack, arguments: Sequence[str], feed: Feed | None = None
) -> list[list[str]]:
    """The rows that a pod prints. The pod is deleted afterwards, and so is its NetworkPolicy.

    Args:
        api_client: of `kubernetes_asyncio`.
        task: of the pod.
        job: whose store it uses.
        stack: that declares the job.
        arguments: of the program.
        feed: writes its standard input; None for a program that reads none.

    Raises:
        StorePodError: if the pod cannot be created, does not end in time, or prints no row; with the reason.
    """
    from kubernetes_asyncio import client
    from kubernetes_asyncio.client.exceptions import ApiException

    api = client.CoreV1Api(api_client)
    async with _allowed(client.NetworkingV1Api(api_client), task, job, stack):
        try:
            pod: Any = await api.create_namespaced_pod(job.namespace, cast(Any, store_pod(task, job, stack, arguments)))
        except ApiException as error:
            raise StorePodError(f"no pod can be created that {task.text}: {message(error)}") from None
        name = str(pod.metadata.name)
        try:
            async with asyncio.timeout(task.seconds):
                if feed is not None:
                    await _started(api, job.namespace, name)
                    await feed(name)
                log = await _log_of_ended(api, job.namespace, name)
        except TimeoutError:
            reason = await _waiting_reason(api, job.namespace, name)
            late = f"the pod that {task.text} did not end within {task.seconds} s"
            raise StorePodError(f"{late}{reason}") from None
        except ApiException as error:
            raise StorePodError(f"the pod that {task.text} cannot be read: {message(error)}") from None
        finally:
            with contextlib.suppress(ApiException):  # the pod ends by its own deadline
                await api.delete_namespaced_pod(name, job.namespace, grace_period_seconds=0)
    return rows_of(log, task)


@asynccontextmanager
async def _allowed(api: Any, task: Task, job: Job, stack: DeclaredStack) -> AsyncGenerator[None]:
    """Allow the pod the connections of the job, if the stack has NetworkPolicies.

    Raises:
        StorePodError: if the policy cannot be created; with the reason.
    """
    from kubernetes_asyncio.client.exceptions import ApiException

    manifest = store_policy(task, job, stack)
    if manifest is None:
        yield
        return
    try:
        policy: Any = await api.create_namespaced_network_policy(job.namespace, manifest)
    except ApiException as error:
        text = f"no NetworkPolicy can be created for the pod that {task.text}"
        raise StorePodError(f"{text}: {message(error)}") from None
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


async def _started(api: Any, namespace: str, name: str) -> None:
    """Wait until Flink's container runs or has ended."""
    while True:
        status = mapping((await _read(api, namespace, name)).get("status"))
        states = [mapping(mapping(item).get("state")) for item in listed(status.get("containerStatuses"))]
        if status.get("phase") in ("Succeeded", "Failed") or any("waiting" not in state for state in states):
            return
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


def rows_of(log: str, task: Task) -> list[list[str]]:
    """The rows of a task, among the lines of other programs.

    Raises:
        StorePodError: if it did not run; with the root cause in the log.
    """
    rows = list(_rows(log))
    if not rows:
        reason = shortened(redacted(root(log)), 300) or "it has printed nothing"
        raise StorePodError(f"the pod that {task.text} failed: {reason}")
    return rows


def _rows(log: str) -> Iterator[list[str]]:
    for line in log.splitlines():
        if line.startswith(_PREFIX):
            yield line.removeprefix(_PREFIX).split("\t")
