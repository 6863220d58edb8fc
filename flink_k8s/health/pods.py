"""Issues and logs of the pods of jobs, with one request for all jobs of a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.facts.mappings import condition
from flink_k8s.health.events import REQUEST_SECONDS, items
from flink_k8s.health.failure_reason import (
    UNSCHEDULABLE,
    Object,
    crashes,
    fatal_error,
    is_waiting_for_workers,
    pod_issue,
    python_error,
    refused_worker,
    replica_failure,
)
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

_FLINK_PODS = "app,component in (jobmanager,taskmanager)"

_WITHOUT_CAUSE: Mapping[str, Callable[[str], str]] = {
    "Python process exits": python_error,
    "The main method caused an error: null": fatal_error,
}
"""Text of an operator's error that lacks the error of the program, to the function that finds it in Flink's log."""


@dataclass(frozen=True)
class PodIssue:
    """The reason why pods of a job do not run.

    Attributes:
        text: from Kubernetes; empty if all pods run.
        of_pods: whether the pods exist but do not run; otherwise Kubernetes does not create them.
        unscheduled: the pods that fit on no node.
        may_pass: whether the pods can be scheduled after other pods have ended, or a volume has been created.
        has_worker: whether a TaskManager is ready nevertheless.
        is_crash_loop: whether a process of Flink ends again and again.
    """

    text: str = ""
    of_pods: bool = False
    unscheduled: tuple[str, ...] = ()
    may_pass: bool = False
    has_worker: bool = False
    is_crash_loop: bool = False


class Pods:
    """The Flink pods in one namespace. The results are optional: they are empty if the API server fails."""

    def __init__(self, api_client: Any, namespace: str, fresh_seconds: float) -> None:
        """
        Args:
            api_client: of kubernetes_asyncio.
            namespace: of the jobs.
            fresh_seconds: maximum age of a result that is returned again.
        """
        self._client = api_client
        self._namespace = namespace
        self._fresh = fresh_seconds
        self._at = float("-inf")
        self._pods: list[Object] = []
        self._deployments: list[Object] = []
        self._crash_reasons: dict[tuple[str, int], str] = {}
        self._lock = asyncio.Lock()

    async def issue(self, apps: Collection[str]) -> PodIssue:
        """The issue of the pods of a job's clusters.

        Args:
            apps: names of the clusters.
        """
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._at >= self._fresh:
                self._pods = await self._list(_FLINK_PODS)
                self._deployments = await self._list_deployments()
                self._at = asyncio.get_running_loop().time()
        job_pods = [pod for pod in self._pods if (pod["metadata"].get("labels") or {}).get("app") in apps]
        pods_with_issue = [pod for pod in job_pods if pod_issue(pod)]
        if not pods_with_issue:
            return PodIssue(await self._admission_error(apps, job_pods))
        texts = [pod_issue(pod) + await self._crash_reason(pod) for pod in pods_with_issue]
        unscheduled = [pod for pod, text in zip(pods_with_issue, texts, strict=True) if f": {UNSCHEDULABLE}: " in text]
        return PodIssue(
            "; ".join(texts),
            of_pods=True,
            unscheduled=tuple(
                pod["metadata"]["name"] for pod in unscheduled if len(unscheduled) == len(pods_with_issue)
            ),
            may_pass=all(UNSCHEDULABLE in text and may_be_scheduled(text) for text in texts),
            has_worker=any(map(_is_ready_worker, job_pods)),
            is_crash_loop=any(map(crashes, pods_with_issue)),
        )

    async def _crash_reason(self, pod: Object) -> str:
        """`; ` and the root cause in the log of a crashed container; empty if the pod does not crash."""
        restarts = crashes(pod)
        key = (str(pod["metadata"]["name"]), restarts)
        if restarts and key not in self._crash_reasons:
            self._crash_reasons[key] = fatal_error(await self._log(pod, 1000, previous=True))
        reason = self._crash_reasons.get(key, "")
        return f"; {reason}" if reason else ""

    async def _admission_error(self, apps: Collection[str], pods: list[Object]) -> str:
        """The message of the API server about pods that it refuses."""
        for deployment in self._deployments:
            if deployment["metadata"]["name"] in apps and (message := replica_failure(deployment)):
                return message
        # An error remains in the log after a later attempt has succeeded.
        for pod in filter(is_waiting_for_workers, [] if any(map(_is_worker, pods)) else pods):
            if message := refused_worker(await self._log(pod, 400)):
                return message
        return ""

    async def program_error(self, app: str, error: str) -> str:
        """The error of a job's program in the log of its JobManager, if the operator's error lacks it; else empty.

        Args:
            app: name of the job's cluster.
            error: of the operator, which contains at most 2 kB of a stack trace.
        """
        read = next((read for words, read in _WITHOUT_CAUSE.items() if words in error), None)
        if read is None:
            return ""
        for pod in await self._list(f"app={app},component=jobmanager"):
            if message := read(await self._log(pod, 1000)):
                return message
        return ""

    async def _log(self, pod: Object, lines: int, *, previous: bool = False) -> str:
        """The last lines of the log of Flink's container, or of the one before its restart."""
        from kubernetes_asyncio import client

        try:
            return await client.CoreV1Api(self._client).read_namespaced_pod_log(
                pod["metadata"]["name"],
                self._namespace,
                container=MAIN_CONTAINER,
                tail_lines=lines,
                previous=previous,
                _request_timeout=REQUEST_SECONDS,
            )
        except Exception:  # the operator's error is available in any case
            return ""

    async def _list_deployments(self) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.AppsV1Api(self._client)
        return await items(api.list_namespaced_deployment, self._namespace, label_selector=_FLINK_PODS)

    async def _list(self, selector: str) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.CoreV1Api(self._client)
        return await items(api.list_namespaced_pod, self._namespace, label_selector=selector)


def may_be_scheduled(message: str) -> bool:
    """Whether a pod can be scheduled later on the existing nodes, by the message of the scheduler.

    A node would have room if other pods ended, or the pod's volume is being created.
    """
    return (
        "Preemption is not helpful" not in message
        or "No preemption victims" in message
        or "unbound immediate" in message
    )


def _is_ready_worker(pod: Object) -> bool:
    return _is_worker(pod) and condition(pod, "Ready") is not None


def _is_worker(pod: Object) -> bool:
    labels = cast(Object, pod["metadata"].get("labels") or {})
    return labels.get("component") == "taskmanager"
