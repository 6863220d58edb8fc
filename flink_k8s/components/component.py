"""The base class of the components, and the names of their resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


class Component(pulumi.ComponentResource):
    """A component whose name, and those of its resources, begin with the prefix of its parent.

    The URN of a resource contains the types of its parents, and not their names. So the prefix keeps the resources of
    two platforms in one program apart. The resources of a stack file's platform have none.
    """

    def __init__(
        self, type_: str, name: str, props: Mapping[str, Any] | None, opts: pulumi.ResourceOptions | None
    ) -> None:
        """
        Args:
            type_: the type token.
            name: of the component, without the prefix.
            props: the inputs that the state contains.
            opts: parent and others.
        """
        self.prefix = prefix_of(opts)
        """Of the names of its resources."""
        super().__init__(type_, f"{self.prefix}{name}", props, opts)


def resource_name(name: str, opts: pulumi.ResourceOptions) -> str:
    """The name of a child, with the prefix of its parent."""
    return f"{prefix_of(opts)}{name}"


def prefix_of(opts: pulumi.ResourceOptions | None) -> str:
    """The prefix of the resources under the parent; empty without one."""
    parent = opts.parent if opts else None
    return parent.prefix if isinstance(parent, Component) else ""
