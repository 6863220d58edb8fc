"""Quota and limits of a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import (
    LimitRange,
    LimitRangeItemArgs,
    LimitRangeSpecArgs,
    ResourceQuota,
    ResourceQuotaSpecArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import resource_name
from flink_k8s.config.namespace import Limits, Quota
from flink_k8s.facts.labels import labels


def quota(namespace: str, settings: Quota, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """The quota of a namespace, without Flink resources; empty if there are no bounds.

    Args:
        namespace: of the quota or limits.
        settings: the bounds.
        opts: must depend on the namespace.
    """
    if not (hard := settings.bounds()):
        return []
    return [
        ResourceQuota(
            resource_name(f"{namespace}-quota", opts),
            metadata=ObjectMetaArgs(name="quota", namespace=namespace, labels=labels("quota")),
            spec=ResourceQuotaSpecArgs(hard=hard),
            opts=opts,
        )
    ]


def limits(namespace: str, settings: Limits, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
    """The limits of each container and claim; empty if there are none.

    Args:
        namespace: of the quota or limits.
        settings: the bounds.
        opts: must depend on the namespace.
    """
    if not (items := settings.items()):
        return []
    return [
        LimitRange(
            resource_name(f"{namespace}-limits", opts),
            metadata=ObjectMetaArgs(name="limits", namespace=namespace, labels=labels("limits")),
            spec=LimitRangeSpecArgs(limits=[_limit(item) for item in items]),
            opts=opts,
        )
    ]


def _limit(item: Mapping[str, Any]) -> LimitRangeItemArgs:
    return LimitRangeItemArgs(
        type=item["type"],
        min=item.get("min"),
        default_request=item.get("defaultRequest"),
        default=item.get("default"),
        max=item.get("max"),
    )
