"""A Kubernetes object of any kind as a resource, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

Manifest = Mapping[str, Any]
"""A Kubernetes manifest; values may be outputs."""


class KubernetesObject(pulumi.CustomResource):
    """An object of any kind, for manifests of users, with the type token of the SDK's class for the kind.

    The SDK has a class for each kind, but no class that accepts a manifest of any kind.
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
