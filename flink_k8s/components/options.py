"""Resource options that several components use."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi


def child_of(
    parent: pulumi.Resource,
    depends_on: Iterable[pulumi.Input[pulumi.Resource]] = (),
    *,
    former_parent: pulumi.Resource | None = None,
    was_at_root: bool = False,
) -> pulumi.ResourceOptions:
    """Options of a child.

    In version 0.1 some children had another parent. With the alias, the engine finds them in the state of a stack that
    0.1 deployed, and neither deletes nor creates them.

    Args:
        parent: the component.
        depends_on: resources, and outputs of resources that are known once they are ready.
        former_parent: the component that was the parent in 0.1.
        was_at_root: whether the resource had no parent in 0.1.
    """
    aliases: list[pulumi.Input[str | pulumi.Alias]] = []
    if former_parent is not None:
        aliases.append(pulumi.Alias(parent=former_parent))
    if was_at_root:
        aliases.append(pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE))
    return pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on), aliases=aliases)


def adopted(namespace: str, name: str) -> pulumi.ResourceOptions:
    """Options of an object that exists in the cluster: the engine takes it over instead of creating it.

    Once the object is in the state, the engine ignores the option.
    """
    return pulumi.ResourceOptions(import_=f"{namespace}/{name}")
