"""Refuses that the operator stops watching a namespace with Flink resources.

The engine updates the operator before it deletes what the stack no longer declares. An operator that does not watch the
namespace never removes its finalizers, so the deletion of the jobs and of their namespace would not finish.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from flink_k8s.config.restore_request import WITHOUT_CLUSTER
from flink_k8s.facts.kinds import FLINK_API, FLINK_KINDS
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import ApiServer, get


@dataclass(frozen=True)
class WatchedNamespaces:
    """Compares the watched namespaces of the operator's release before and after an update.

    Attributes:
        api_server: of the stack's cluster.
    """

    api_server: ApiServer

    def hook(self, name: str) -> pulumi.ResourceHook:
        """The hook before the update of the release, in previews too."""
        options = pulumi.ResourceHookOptions(on_dry_run=True)
        return pulumi.ResourceHook(name, self._before, options)

    async def _before(self, args: pulumi.ResourceHookArgs) -> None:
        new = await _watched(args.new_inputs)
        # Without a list, the operator watches all namespaces.
        removed = sorted(await _watched(args.old_inputs) - new) if new else []
        if not removed or os.environ.get(WITHOUT_CLUSTER):
            return
        resources = [resource for namespace in removed for resource in await self._resources(namespace)]
        if resources:
            names = ", ".join(removed)
            raise pulumi.RunError(
                f"the operator would no longer watch {names}, and these resources could not be deleted: "
                f"{', '.join(resources)}; keep {names} in namespaces, remove the jobs from the stack and run up "
                f"(delete resources of others with kubectl), then remove {names}"
            )

    async def _resources(self, namespace: str) -> list[str]:
        """The Flink resources in a namespace, as `FlinkDeployment team-a/orders`."""
        resources: list[str] = []
        async with self.api_server.asked(f"the Flink resources in {namespace} cannot be read") as api_client:
            for kind in FLINK_KINDS:
                answer = await get(api_client, f"/apis/{FLINK_API}/namespaces/{namespace}/{kind.plural}")
                names = (mapping(mapping(item).get("metadata")).get("name") for item in listed(answer.get("items")))
                resources += [f"{kind} {namespace}/{name}" for name in names]
        return resources


async def _watched(inputs: Mapping[str, object] | None) -> set[str]:
    """The watched namespaces in the inputs of a release."""
    values = await pulumi.Output.from_input((inputs or {}).get("values") or {}).future(with_unknowns=True)
    return {str(name) for name in listed(mapping(values).get("watchNamespaces"))}
