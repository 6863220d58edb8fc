"""Quota and limits of a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.kubernetes_object import KubernetesObject
from flink_k8s.config.namespace import Limits, Quota
from flink_k8s.facts.labels import labels


def quota(namespace: str, settings: Quota, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """The bounds that hold from the beginning; empty when nothing is bounded.

    Args:
        namespace: that is bounded.
        settings: its bounds.
        opts: must depend on the namespace.
    """
    if not (hard := settings.bounds()):
        return []
    metadata = {"name": "quota", "namespace": namespace, "labels": labels("quota")}
    return [KubernetesObject(f"{namespace}-quota", resource_quota(metadata, hard), opts)]


def resource_quota(metadata: Mapping[str, Any], hard: Mapping[str, str]) -> Mapping[str, Any]:
    """A ResourceQuota."""
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def limits(namespace: str, settings: Limits, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """Bounds of each container and claim; empty when nothing is bounded.

    Args:
        namespace: that is bounded.
        settings: its bounds.
        opts: must depend on the namespace.
    """
    if not (items := settings.items()):
        return []
    metadata = {"name": "limits", "namespace": namespace, "labels": labels("limits")}
    manifest = {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": items}}
    return [KubernetesObject(f"{namespace}-limits", manifest, opts)]
