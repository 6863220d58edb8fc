"""Any Kubernetes object as a resource of the stack, from its manifest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

import pulumi

from components.dependencies import Needed, Turns

Manifest = Mapping[str, Any]
"""An object as Kubernetes' own documentation writes it; values may be outputs."""


class KubernetesObject(pulumi.CustomResource):
    """One object, of any kind; type and URN are those that the SDK's own class for the kind would give it.

    The SDK has a class for each kind. To import them costs every run 0.2 s and 17 MB: docs/adr/0007.
    """

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions, turns: Turns | None = None) -> None:
        """
        Args:
            name: of the resource in the stack.
            manifest: apiVersion, kind, metadata and the rest; what is secret in it has to be a secret output.
            opts: provider or parent, and what must be there before.
            turns: of the many like it; what must be there before is an output of `after` then.
        """
        if turns is not None:
            opts = copy.copy(opts)
            opts.depends_on = turns.queue(self, cast(Needed, opts.depends_on))
        group, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        group = group if "/" in group else f"core/{group}"
        super().__init__(f"kubernetes:{group}:{kind}", name, dict(manifest), opts)
