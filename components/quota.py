"""Quota and limits of a namespace."""

from __future__ import annotations

import json
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
    return [KubernetesObject(f"{namespace}-quota", _quota(metadata, hard), opts)]


def flink_quota(namespace: str, settings: Quota, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """The bounds for the numbers of Flink resources; empty when none is bounded.

    The cluster cannot count a kind that it does not know, and until it has begun to count it refuses every object of
    that kind ("status unknown for quota"). It begins within half a minute of the kind's coming for a new quota, and
    within five minutes for one that is there. So this quota comes after the kinds, and is ready when all is counted.

    Args:
        namespace: that is bounded.
        settings: its bounds.
        opts: must depend on the namespace and on what brings Flink's kinds.
    """
    if not (hard := settings.counts()):
        return []
    # The provider reads a JSONPath by RFC 9535: a name with other signs than letters, digits and _ needs brackets.
    counted = [f"jsonpath={{.status.used['{name}']}}" for name in sorted(hard)]
    metadata = {
        "name": "flink-quota",
        "namespace": namespace,
        "labels": labels("flink-quota"),
        "annotations": {"pulumi.com/waitFor": json.dumps(counted)},
    }
    return [KubernetesObject(f"{namespace}-flink-quota", _quota(metadata, hard), opts)]


def _quota(metadata: Mapping[str, Any], hard: Mapping[str, str]) -> Mapping[str, Any]:
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
