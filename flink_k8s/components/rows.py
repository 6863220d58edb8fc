"""Rows of resources in the engine's output, for messages of hooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pulumi


@dataclass(frozen=True)
class _Row:
    """As much of a resource as a message needs.

    The SDK's resource would not do: it has no URN before the engine has created it, so a message waits until then.
    """

    urn: pulumi.Output[str]


def row(urn: str) -> pulumi.Resource:
    """The row of a resource, for `resource=` of `pulumi.log`."""
    return cast(pulumi.Resource, _Row(pulumi.Output.from_input(urn)))
