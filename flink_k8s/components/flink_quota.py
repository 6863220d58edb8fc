"""The quota of a namespace that counts Flink resources."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ResourceQuota, ResourceQuotaSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import Component
from flink_k8s.components.flink_operator import FlinkOperator
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.options import child_of
from flink_k8s.config.namespace import Quota
from flink_k8s.facts.labels import labels


@dataclass(frozen=True)
class FlinkQuotaArgs:
    """Arguments of `FlinkQuota`.

    Attributes:
        namespace: of the quota.
        quota: only its numbers of Flink resources are used.
        operator: installs Flink's kinds; None if it is installed in the cluster already.
    """

    namespace: JobNamespace
    quota: Quota
    operator: FlinkOperator | None = None


class FlinkQuota(Component):
    """Limit the numbers of Flink resources in a namespace.

    A cluster cannot count an unknown kind, and until it counts a kind it refuses every object of that kind ("status
    unknown for quota"). It looks for new kinds every half minute, and counts an existing quota again every five
    minutes. So this quota is created after the operator, and is ready once all kinds are counted: immediately, or after
    up to five minutes if the kinds are younger than half a minute.
    """

    def __init__(self, name: str, args: FlinkQuotaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        namespace, hard = args.namespace.namespace, args.quota.counts()
        super().__init__("flink-k8s:index:FlinkQuota", name, {"namespace": namespace}, opts)
        # The provider reads a JSONPath by RFC 9535: a name with characters other than letters, digits and _ needs
        # brackets.
        counted = [f"jsonpath={{.status.used['{resource}']}}" for resource in sorted(hard)]
        before = [*args.namespace.created, *([args.operator] if args.operator else [])]
        ResourceQuota(
            f"{self.prefix}{namespace}-flink-quota",
            metadata=ObjectMetaArgs(
                name="flink-quota",
                namespace=namespace,
                labels=labels("flink-quota"),
                annotations={"pulumi.com/waitFor": json.dumps(counted)},
            ),
            spec=ResourceQuotaSpecArgs(hard=hard),
            opts=child_of(self, before, former_parent=args.namespace),
        )
        self.register_outputs({"namespace": namespace, "hard": dict(hard)})
