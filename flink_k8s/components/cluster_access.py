"""Access to the cluster for the program's own requests, next to those of the engine."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import pulumi

from flink_k8s.config.base import seconds
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.restore_request import WITHOUT_CLUSTER
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.existing_operator import read_operator
from flink_k8s.health.existing_prometheus import read_prometheus
from flink_k8s.health.readiness import Readiness
from flink_k8s.health.waiting import DESTROYING
from flink_k8s.monitoring.selection import monitoring_objects, unselected
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.existing_operator import ExistingOperator
from flink_k8s.snapshots import restore

T = TypeVar("T")


@dataclass
class ClusterAccess:
    """The API server of the stack's cluster, and one watch for all jobs.

    Attributes:
        context: kube-context of the cluster.
        kubeconfig: file of the context; None for the default file.
        job_timeout: time in which a job must become ready, for example `10m`.
    """

    context: str
    kubeconfig: str | None = None
    job_timeout: str = "10m"

    @property
    def api_server(self) -> ApiServer:
        """The API server."""
        return ApiServer(self.kubeconfig, self.context)

    @cached_property
    def readiness(self) -> Readiness:
        """The waiter for jobs; all jobs of a namespace and kind share one watch."""
        return Readiness(self.api_server, timeout_seconds=seconds(self.job_timeout))

    def restored(self, stack: DeclaredStack) -> DeclaredStack:
        """The stack with a path for each `restoreFrom` that the cluster resolves, also in previews.

        Without such a setting, and before a destroy, it requests nothing from the cluster.

        Raises:
            pulumi.RunError: contains every `restoreFrom` that has no path; raised before any registration.
        """
        if all(job.restore_request is None for job in stack.jobs):
            return stack
        if os.environ.get(WITHOUT_CLUSTER) or os.environ.get(DESTROYING):
            return restore.without_paths(stack)
        try:
            paths = _completed(restore.resolve(self.api_server, stack))
        except ProblemsError as error:
            raise pulumi.RunError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None
        for item in paths:
            pulumi.log.info(
                f"job {item.job.namespace}/{item.job.name}: restoreFrom {item.request} is {item.path} ({item.text})"
            )
        return restore.with_paths(stack, paths)

    def compare_prometheus(self, settings: StackSettings) -> None:
        """Warn about PodMonitors and alert rules that no Prometheus of the cluster selects, also in previews."""
        if settings.prometheus.enabled or os.environ.get(WITHOUT_CLUSTER) or os.environ.get(DESTROYING):
            return
        existing = _completed(read_prometheus(self.api_server))
        if existing.unread:
            pulumi.log.warn(f"could not compare the monitors with Prometheus' selectors: {'; '.join(existing.unread)}")
            return
        if not existing.serves_monitors:
            pulumi.log.warn(
                "prometheus: the cluster has no Prometheus operator, so PodMonitors and alert rules cannot be created; "
                "set prometheus.monitors: false, or install the operator [unmonitored-job]"
            )
        for message in unselected(monitoring_objects(settings, existing.namespaces), existing.selecting):
            pulumi.log.warn(f"prometheus: {message} [unmonitored-job]")


def existing_operator(settings: StackSettings) -> ExistingOperator | None:
    """The operator that exists in the cluster, also in previews; None before a destroy, and if it cannot be read.

    What cannot be read is a warning.

    Args:
        settings: of a stack without an operator of its own.
    """
    if os.environ.get(WITHOUT_CLUSTER) or os.environ.get(DESTROYING):
        return None
    operator, unread = _completed(read_operator(ApiServer.of(settings), settings.operator.namespace))
    if unread:
        pulumi.log.warn(f"could not read {unread}; the jobs are not compared with it")
    return operator


def _completed(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result, from another thread: an event loop, in which the program runs, cannot wait for another one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def in_own_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs in an event loop and a thread of its own.

    For a hook that many registrations wait for. Each of them blocks a thread of the SDK's executor until the hook has
    run, so the hook waits forever if it needs such a thread, too: for `asyncio.to_thread`, or to resolve a host name.
    """
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, lambda: context.run(asyncio.run, coroutine))
