"""The NetworkPolicy that denies all traffic of a namespace that no other policy allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from flink_k8s.components.component import Component
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.network_policies import deny_policy
from flink_k8s.components.options import child_of


@dataclass(frozen=True)
class DefaultDenyArgs:
    """Arguments of `DefaultDeny`.

    Attributes:
        namespace: of the policy.
        allowing: the policies of the namespace's jobs.
    """

    namespace: JobNamespace
    allowing: Sequence[pulumi.Resource] = ()


class DefaultDeny(Component):
    """Deny all other traffic, after all policies that allow connections: no running job loses a connection."""

    def __init__(self, name: str, args: DefaultDenyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: the namespace and its policies.
            opts: provider.
        """
        namespace = args.namespace
        super().__init__("flink-k8s:index:DefaultDeny", name, {"namespace": namespace.namespace}, opts)
        # Also after the ServiceAccount: the policy's place in the graph is then the same with and without jobs.
        before = [*namespace.job_requirements, *args.allowing]
        deny_policy(namespace.namespace, child_of(self, before, former_parent=namespace))
        self.register_outputs({"namespace": namespace.namespace})
