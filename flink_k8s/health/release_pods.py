"""Reports why the pods of a Helm release do not run, while Helm waits for them.

The error of Helm's timeout names no reason, and an atomic release then deletes its pods together with their events.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pulumi

from flink_k8s.facts.mappings import condition, mapping
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.events import items
from flink_k8s.health.failure_reason import Object, pod_issue, replica_failure

_INTERVAL_SECONDS: Final = 15
"""An issue that is found twice is reported: others pass, such as a volume that is being created."""


class ReleasePods:
    """The pods in the namespace of a release."""

    def __init__(
        self,
        api_server: ApiServer,
        namespace: str,
        report: Callable[[str], None],
        show: Callable[[str], None],
        interval_seconds: float = _INTERVAL_SECONDS,
    ) -> None:
        """
        Args:
            api_server: of the stack's cluster.
            namespace: of the release.
            report: receives each issue once.
            show: receives the number of ready pods after each request.
            interval_seconds: time between two requests.
        """
        self._api_server = api_server
        self._namespace = namespace
        self._report = report
        self._show = show
        self._interval_seconds = interval_seconds

    async def watch(self) -> None:
        """Report issues until the task is cancelled. Without access to the cluster, nothing is reported."""
        try:
            api_client = await self._api_server.connect()
        except pulumi.RunError:
            return
        seen: set[str] = set()
        reported: set[str] = set()
        try:
            while True:
                # A message can contain a number that changes, such as that of restarts.
                issues = {re.sub(r"\d+", "0", issue): issue for issue in await self._issues(api_client)}
                for key in sorted((issues.keys() & seen) - reported):
                    self._report(issues[key])
                    reported.add(key)
                seen = set(issues)
                await asyncio.sleep(self._interval_seconds)
        finally:
            await api_client.close()

    async def _issues(self, api_client: Any) -> list[str]:
        from kubernetes_asyncio import client

        core, apps = client.CoreV1Api(api_client), client.AppsV1Api(api_client)
        pods = await items(core.list_namespaced_pod, self._namespace)
        deployments = await items(apps.list_namespaced_deployment, self._namespace)
        if pods:
            self._show(_ready(pods))
        return [*filter(None, map(pod_issue, pods)), *_refused(deployments)]


def _ready(pods: list[Object]) -> str:
    """`2 of 3 pods are ready; not ready: x`, without pods that have ended."""
    running = [pod for pod in pods if mapping(pod.get("status")).get("phase") not in ("Succeeded", "Failed")]
    waiting = [str(pod["metadata"]["name"]) for pod in running if condition(pod, "Ready") is None]
    text = f"{len(running) - len(waiting)} of {len(running)} pods are ready"
    return f"{text}; not ready: {', '.join(sorted(waiting))}" if waiting else text


def _refused(deployments: list[Object]) -> Iterator[str]:
    for deployment in deployments:
        if message := replica_failure(deployment):
            yield f"deployment {deployment['metadata']['name']}: {message}"
