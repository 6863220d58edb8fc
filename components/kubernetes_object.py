"""Any Kubernetes object as a resource of the stack, from its manifest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi.resource import DependencyResource

T = TypeVar("T")

Manifest = Mapping[str, Any]
"""An object as Kubernetes' own documentation writes it; values may be outputs."""


class KubernetesObject(pulumi.CustomResource):
    """One object, of any kind; type and URN are those that the SDK's own class for the kind would give it.

    The SDK has a class for each kind. To import them costs every run 0.2 s and 17 MB: docs/adr/0007.
    """

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> None:
        """
        Args:
            name: of the resource in the stack.
            manifest: apiVersion, kind, metadata and the rest; what is secret in it has to be a secret output.
            opts: provider or parent, and what must be there before.
        """
        group, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        group = group if "/" in group else f"core/{group}"
        super().__init__(f"kubernetes:{group}:{kind}", name, dict(manifest), opts)


def after(needed: Iterable[pulumi.Input[pulumi.Resource]]) -> pulumi.Output[list[pulumi.Resource]]:
    """What must be there before, as one `depends_on` that many resources share.

    Of each resource in a list the SDK makes an output anew, for every resource that has the list; an output it takes
    as it is, with the resources that it was made from. Those are stand-ins here: behind a resource itself the SDK
    searches for a circle, and behind a namespace's last policy are those of all its jobs.

    Args:
        needed: resources, or outputs of resources that are known once they are ready.
    """
    wanted = [pulumi.Output.from_input(one) for one in needed]

    async def stand_ins() -> set[pulumi.Resource]:
        # In a preview without an engine, what another stack says is not known, and neither is what waits for it.
        found = [await one.future() for one in wanted]
        return {await _stand_in(one) for one in found if one is not None}

    nothing: list[pulumi.Resource] = []
    return pulumi.Output(stand_ins(), asyncio.ensure_future(_known(nothing)), asyncio.ensure_future(_known(True)))


async def _stand_in(resource: pulumi.Resource) -> pulumi.Resource:
    if isinstance(resource, pulumi.ComponentResource):
        return resource  # it stands for its children
    return DependencyResource(str(await resource.urn.future()))


async def _known(value: T) -> T:
    return value
