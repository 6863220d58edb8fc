"""Refuses that the operator stops watching a namespace with Flink resources.

The engine updates the operator before it deletes what the stack no longer declares. An operator that does not watch the
namespace never removes its finalizers, so the deletion of the jobs and of their namespace would not finish.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
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
        old, new = await _watched(args.old_inputs), await _watched(args.new_inputs)
        # Without a list, the operator watches all namespaces.
        if not args.old_inputs or not new or os.environ.get(WITHOUT_CLUSTER):
            return
        found = await self._resources(old - new if old else [""])
        left = [(namespace, name) for namespace, name in found if namespace not in new]
        if left:
            names = ", ".join(sorted({namespace for namespace, _ in left}))
            raise pulumi.RunError(
                f"the operator would no longer watch {names}, and these resources could not be deleted: "
                f"{', '.join(name for _, name in left)}; keep {names} in namespaces, remove the jobs from the stack "
                f"and run up (delete resources of others with kubectl), then remove {names}"
            )

    async def _resources(self, namespaces: Collection[str]) -> list[tuple[str, str]]:
        """The Flink resources in namespaces: the namespace of each, and its name as `FlinkDeployment team-a/orders`.

        Args:
            namespaces: to read; an empty text for all namespaces of the cluster.
        """
        resources: list[tuple[str, str]] = []
        for namespace in sorted(namespaces):
            async with self.api_server.asked(
                f"the Flink resources in {namespace or 'the cluster'} cannot be read"
            ) as api_client:
                for kind in FLINK_KINDS:
                    scope = f"namespaces/{namespace}/" if namespace else ""
                    answer = await get(api_client, f"/apis/{FLINK_API}/{scope}{kind.plural}")
                    for item in listed(answer.get("items")):
                        metadata = mapping(mapping(item).get("metadata"))
                        home = str(metadata.get("namespace"))
                        resources.append((home, f"{kind} {home}/{metadata.get('name')}"))
        return resources


async def _watched(inputs: Mapping[str, object] | None) -> set[str]:
    """The watched namespaces in the inputs of a release."""
    values = await pulumi.Output.from_input((inputs or {}).get("values") or {}).future(with_unknowns=True)
    return {str(name) for name in listed(mapping(values).get("watchNamespaces"))}
