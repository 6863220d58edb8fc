"""The claim on which the jobs of a namespace keep their state, for `stateStorage: {type: volume}`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.kubernetes_object import KubernetesObject
from flink_k8s.config.state_model import StateVolume
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.state_storage import CLAIM


@dataclass(frozen=True)
class StateClaimArgs:
    """Arguments of a namespace's claim for state.

    Attributes:
        volume: size, storage class, access mode.
        protect: whether the engine refuses to delete the claim.
    """

    volume: StateVolume = field(default_factory=StateVolume)
    protect: bool = False


def state_claim(namespace: str, args: StateClaimArgs, opts: pulumi.ResourceOptions) -> KubernetesObject:
    """The claim of a namespace.

    It exists even if no job keeps state today: a claim that is deleted with its last job cannot be restored. It is
    deleted with its namespace, and stays in the cluster if the stack changes to another storage.

    Args:
        namespace: of the claim.
        args: its settings.
        opts: parent; must depend on the namespace and its quota.
    """
    volume = args.volume
    spec: dict[str, Any] = {
        "accessModes": [volume.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    metadata = {
        "name": CLAIM,
        "namespace": namespace,
        "labels": labels(CLAIM),
        # A claim with WaitForFirstConsumer binds when its first pod starts, so waiting for it first never ends.
        "annotations": {"pulumi.com/skipAwait": "true"},
    }
    return KubernetesObject(
        f"{namespace}/{CLAIM}",
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec},
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True, protect=args.protect or None)),
    )
