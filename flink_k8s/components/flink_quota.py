"""The quota of a namespace that counts Flink resources."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ResourceQuota, ResourceQuotaSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.cluster_access import ClusterAccess, in_own_thread
from flink_k8s.components.component import Component
from flink_k8s.components.flink_operator import FlinkOperator
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.options import child_of
from flink_k8s.config.namespace import Quota
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.api_server import ApiServer, get

_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

COUNTED_AFTER: Final = 40
"""Seconds after the creation of a kind until Kubernetes counts it: it looks for new kinds every 30 seconds."""


@dataclass(frozen=True)
class FlinkQuotaArgs:
    """Arguments of `FlinkQuota`.

    Attributes:
        cluster: to read how old the kinds are.
        namespace: of the quota.
        quota: only its numbers of Flink resources are used.
        operator: installs Flink's kinds; None if it is installed in the cluster already.
    """

    cluster: ClusterAccess
    namespace: JobNamespace
    quota: Quota
    operator: FlinkOperator | None = None


class FlinkQuota(Component):
    """Limit the numbers of Flink resources in a namespace.

    A cluster cannot count an unknown kind, and until it counts a kind it refuses every object of that kind ("status
    unknown for quota"). It looks for new kinds every half minute, and counts a quota when it is created, and then every
    five minutes. So this quota is created after the operator, but not before Kubernetes knows the kinds.
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
        options = pulumi.ResourceOptions()
        if args.operator is not None:
            known = KnownKinds(args.cluster.api_server).hook(f"{self.prefix}{namespace}-flink-kinds", hard)
            options.hooks = pulumi.ResourceHookBinding(before_create=[known])
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
            opts=pulumi.ResourceOptions.merge(child_of(self, before, former_parent=args.namespace), options),
        )
        self.register_outputs({"namespace": namespace, "hard": dict(hard)})


@dataclass(frozen=True)
class KnownKinds:
    """Waits until Kubernetes counts the kinds of a new quota.

    Attributes:
        api_server: of the stack's cluster.
    """

    api_server: ApiServer

    def hook(self, name: str, counts: Iterable[str]) -> pulumi.ResourceHook:
        """The hook before the creation of a quota.

        Args:
            name: of the hook.
            counts: names in the quota: `count/flinkdeployments.flink.apache.org`.
        """
        names = [count.removeprefix("count/") for count in counts]

        async def wait(_: pulumi.ResourceHookArgs) -> None:
            await asyncio.sleep(await in_own_thread(self.remaining(names)))

        return pulumi.ResourceHook(name, wait)

    async def remaining(self, names: Iterable[str]) -> float:
        """The seconds until the kinds are counted; 0 if their age cannot be read: the quota is then counted later.

        Args:
            names: of the CRDs.
        """
        created: list[datetime] = []
        try:
            async with self.api_server.asked("the age of the Flink kinds cannot be read") as api_client:
                for name in names:
                    metadata = mapping((await get(api_client, f"{_CRDS}/{name}")).get("metadata"))
                    created.append(datetime.fromisoformat(str(metadata["creationTimestamp"])))
        except (pulumi.RunError, KeyError, ValueError):
            return 0
        age = (datetime.now(UTC) - max(created)).total_seconds()
        # The clocks of this machine and of the cluster may differ.
        return min(max(COUNTED_AFTER - age, 0), COUNTED_AFTER)
