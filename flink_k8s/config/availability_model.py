"""Availability of a job's pods as a model: maintenance of nodes, priority, spread, and the choice of nodes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flink_k8s.config.base import Model, Name

Provider = Literal["karpenter", "eks", "gke", "aks"]


class Availability(Model):
    """Where the pods of a job run, and how many of them may be stopped at the same time: docs/availability.md."""

    max_unavailable: int | None = Field(
        default=None,
        ge=1,
        description="Number of TaskManagers that the maintenance of nodes may stop at the same time, by a"
        " PodDisruptionBudget. One of several JobManagers always keeps running. Not set: no budget.",
    )
    priority_class: Name | None = Field(default=None, description="PriorityClass of the pods; it must exist.")
    spread: Literal["none", "node", "zone"] | None = Field(
        default=None,
        description="Spread the TaskManagers, and several JobManagers, over nodes or zones if there is room.",
    )
    provider: Provider | None = Field(
        default=None, description="Whose labels the nodes have; required by `nodePool` and `spot`."
    )
    node_pool: str | None = Field(
        default=None,
        min_length=1,
        description="Node pool (EKS: node group) of the pods; with `spot`, of the TaskManagers only.",
    )
    spot: bool = Field(
        default=False, description="Run the TaskManagers on spot nodes, which the provider stops at short notice."
    )
