"""The recommended labels of Kubernetes on all objects that the program creates."""

from __future__ import annotations


def labels(name: str) -> dict[str, str]:
    """`app.kubernetes.io/*` for an object of that application."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "flink-k8s",
        "app.kubernetes.io/managed-by": "pulumi",
    }
