"""What the pods of a namespace's jobs wait for, and what they had to say: asked once for all jobs that want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.facts.mappings import condition
from flink_k8s.health.admission_errors import is_waiting_for_workers, refused_worker, replica_failure
from flink_k8s.health.failure_reason import UNSCHEDULABLE, Object, pod_trouble, python_error
from flink_k8s.health.list_objects import REQUEST_SECONDS, items
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

_FLINKS = "app,component in (jobmanager,taskmanager)"


@dataclass(frozen=True)
class Trouble:
    """What keeps the pods of a job from running.

    Attributes:
        text: in Kubernetes' words; empty when nothing does.
        of_pods: whether pods are there that do not run; otherwise they do not come into being.
        unscheduled: the pods that fit on no node.
        may_pass: whether it passes when others make room, or a volume is there.
        has_worker: whether a TaskManager is ready all the same.
    """

    text: str = ""
    of_pods: bool = False
    unscheduled: tuple[str, ...] = ()
    may_pass: bool = False
    has_worker: bool = False


class Pods:
    """The pods of Flink in one namespace. Answers are extras: empty where the API server gives none."""

    def __init__(self, api_client: Any, namespace: str, fresh_seconds: float) -> None:
        """
        Args:
            api_client: of kubernetes_asyncio.
            namespace: of the jobs.
            fresh_seconds: how old an answer may be that is given again.
        """
        self._client = api_client
        self._namespace = namespace
        self._fresh = fresh_seconds
        self._at = float("-inf")
        self._pods: list[Object] = []
        self._deployments: list[Object] = []
        self._lock = asyncio.Lock()

    async def trouble(self, apps: Collection[str]) -> Trouble:
        """Why pods of a job's clusters do not run, or do not come into being.

        Args:
            apps: their names.
        """
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._at >= self._fresh:
                self._pods = await self._list(_FLINKS)
                self._deployments = await self._list_deployments()
                self._at = asyncio.get_running_loop().time()
        found = [pod for pod in self._pods if (pod["metadata"].get("labels") or {}).get("app") in apps]
        troubled = [pod for pod in found if pod_trouble(pod)]
        if not troubled:
            return Trouble(await self._refused(apps, found))
        texts = [pod_trouble(pod) for pod in troubled]
        unscheduled = [pod for pod, text in zip(troubled, texts, strict=True) if f": {UNSCHEDULABLE}: " in text]
        return Trouble(
            "; ".join(texts),
            of_pods=True,
            unscheduled=tuple(pod["metadata"]["name"] for pod in unscheduled if len(unscheduled) == len(troubled)),
            may_pass=all(UNSCHEDULABLE in text and may_be_scheduled(text) for text in texts),
            has_worker=any(map(_is_ready_worker, found)),
        )

    async def _refused(self, apps: Collection[str], pods: list[Object]) -> str:
        """What the API server says to pods that it does not let in."""
        for deployment in self._deployments:
            if deployment["metadata"]["name"] in apps and (said := replica_failure(deployment)):
                return said
        # What was refused once stays in the log when it is let in at last.
        for pod in filter(is_waiting_for_workers, [] if any(map(_is_worker, pods)) else pods):
            if said := refused_worker(await self._log(pod, 400)):
                return said
        return ""

    async def python_error(self, app: str) -> str:
        """What the Python program of a job said before it ended badly; empty when it said nothing."""
        for pod in await self._list(f"app={app},component=jobmanager"):
            if said := python_error(await self._log(pod, 1000)):
                return said
        return ""

    async def _log(self, pod: Object, lines: int) -> str:
        """The end of what Flink's container has logged."""
        from kubernetes_asyncio import client

        try:
            return await client.CoreV1Api(self._client).read_namespaced_pod_log(
                pod["metadata"]["name"],
                self._namespace,
                container=MAIN_CONTAINER,
                tail_lines=lines,
                _request_timeout=REQUEST_SECONDS,
            )
        except Exception:  # the operator's own error is there in any case
            return ""

    async def _list_deployments(self) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.AppsV1Api(self._client)
        return await items(api.list_namespaced_deployment, self._namespace, label_selector=_FLINKS)

    async def _list(self, selector: str) -> list[Object]:
        from kubernetes_asyncio import client

        api: Any = client.CoreV1Api(self._client)
        return await items(api.list_namespaced_pod, self._namespace, label_selector=selector)


def may_be_scheduled(said: str) -> bool:
    """Whether what the scheduler says of a pod may pass on the nodes that are there.

    One of them would have room if others went, or the pod's volume is being made.
    """
    return "Preemption is not helpful" not in said or "No preemption victims" in said or "unbound immediate" in said


def _is_ready_worker(pod: Object) -> bool:
    return _is_worker(pod) and condition(pod, "Ready") is not None


def _is_worker(pod: Object) -> bool:
    labels = cast(Object, pod["metadata"].get("labels") or {})
    return labels.get("component") == "taskmanager"
