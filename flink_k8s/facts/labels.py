"""The recommended labels of Kubernetes on all objects that the program creates, and an annotation for Pulumi."""

from __future__ import annotations

DELETION_POLICY = "pulumi.com/deletionPropagationPolicy"
"""The annotation that specifies how the engine deletes an object."""


def labels(name: str) -> dict[str, str]:
    """`app.kubernetes.io/*` for an object of that application."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "flink-k8s",
        "app.kubernetes.io/managed-by": "pulumi",
    }
