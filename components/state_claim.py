"""The claim on which the jobs of a namespace keep their state, for `stateStorage: {type: volume}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.kubernetes_object import KubernetesObject
from components.namespace import JobNamespace
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.state_storage import CLAIM


def state_claims(
    platform: DeclaredStack, namespaces: Mapping[str, JobNamespace], opts: pulumi.ResourceOptions
) -> dict[str, KubernetesObject]:
    """A claim in each namespace of jobs, by namespace; none for another storage or the user's own.

    Not only where a job keeps state today: to a claim that goes with its last job there is no way back. It goes with
    its namespace, and stays in the cluster when the stack is given another storage.

    Args:
        platform: what the stack declares.
        namespaces: by name.
        opts: provider.
    """
    if not platform.settings.state_storage.makes_claims:
        return {}
    return {name: _claim(platform, home, opts) for name, home in namespaces.items()}


def _claim(platform: DeclaredStack, home: JobNamespace, opts: pulumi.ResourceOptions) -> KubernetesObject:
    volume = platform.settings.state_storage.volume
    spec: dict[str, Any] = {
        "accessModes": [volume.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    is_protected = any(job.is_protected for job in platform.jobs if job.namespace == home.name and job.mounts(CLAIM))
    metadata = {
        "name": CLAIM,
        "namespace": home.name,
        "labels": labels(CLAIM),
        # It binds when its first pod comes: who waits for the claim first waits for ever.
        "annotations": {"pulumi.com/skipAwait": "true"},
    }
    return KubernetesObject(
        f"{home.name}/{CLAIM}",
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec},
        pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[*home.before, *home.bounds], retain_on_delete=True, protect=is_protected or None
            ),
        ),
    )
