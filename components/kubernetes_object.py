"""Any Kubernetes object as a resource of the stack, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

Manifest = Mapping[str, Any]
"""An object as the Kubernetes documentation writes it; values may be outputs."""


class KubernetesObject(pulumi.CustomResource):
    """One object of any kind, for what users write: it gets the type that the SDK's own class for the kind has.

    The SDK has a class for each kind, and none that takes a manifest of any kind.
    """

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> None:
        """
        Args:
            name: of the resource in the stack.
            manifest: apiVersion, kind, metadata and the rest; a secret in it must be a secret output.
            opts: provider or parent, and dependencies.
        """
        group, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        group = group if "/" in group else f"core/{group}"
        super().__init__(f"kubernetes:{group}:{kind}", name, dict(manifest), opts)
