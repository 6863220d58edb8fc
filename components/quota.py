"""Quota and limits of a namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, ResourceQuota
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from settings.labels import labels
from settings.namespace import Limits, Quota


def quota(namespace: str, settings: Quota, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """The bounds that hold from the beginning; empty when nothing is bounded.

    Args:
        namespace: that is bounded.
        settings: its bounds.
        opts: must depend on the namespace.
    """
    if not (hard := settings.bounds()):
        return []
    metadata: ObjectMetaArgsDict = {"name": "quota", "namespace": namespace, "labels": labels("quota")}
    return [ResourceQuota(f"{namespace}-quota", metadata=metadata, spec={"hard": hard}, opts=opts)]


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
    counted = [f"jsonpath={{.status.used.{_escaped(name)}}}" for name in sorted(hard)]
    metadata: ObjectMetaArgsDict = {
        "name": "flink-quota",
        "namespace": namespace,
        "labels": labels("flink-quota"),
        "annotations": {"pulumi.com/waitFor": json.dumps(counted)},
    }
    return [ResourceQuota(f"{namespace}-flink-quota", metadata=metadata, spec={"hard": hard}, opts=opts)]


def _escaped(name: str) -> str:
    """A name as one step of a JSONPath."""
    return name.replace(".", r"\.")


def limits(namespace: str, settings: Limits, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """Bounds of each container and claim; empty when nothing is bounded.

    Args:
        namespace: that is bounded.
        settings: its bounds.
        opts: must depend on the namespace.
    """
    if not (items := settings.items()):
        return []
    metadata: ObjectMetaArgsDict = {"name": "limits", "namespace": namespace, "labels": labels("limits")}
    return [LimitRange(f"{namespace}-limits", metadata=metadata, spec={"limits": cast(Any, items)}, opts=opts)]
