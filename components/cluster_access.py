"""Access to the cluster for the program's own requests, next to those of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flink_k8s.config.base import seconds
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.readiness import Readiness


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
