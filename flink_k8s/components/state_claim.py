"""The claim for the state of a namespace's jobs, for `stateStorage: {type: volume}`."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.core.v1 import (
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import resource_name
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


def state_claim(namespace: str, args: StateClaimArgs, opts: pulumi.ResourceOptions) -> PersistentVolumeClaim:
    """The claim of a namespace.

    It exists even if no job has state: a claim that is deleted with its last job cannot be restored. It is
    deleted with its namespace, and stays in the cluster if the stack changes to another storage.

    Args:
        namespace: of the claim.
        args: its settings.
        opts: parent; must depend on the namespace and its quota.
    """
    volume = args.volume
    return PersistentVolumeClaim(
        resource_name(f"{namespace}/{CLAIM}", opts),
        metadata=ObjectMetaArgs(
            name=CLAIM,
            namespace=namespace,
            labels=labels(CLAIM),
            # A claim with WaitForFirstConsumer binds when its first pod starts, so waiting for it first never ends.
            annotations={"pulumi.com/skipAwait": "true"},
        ),
        spec=PersistentVolumeClaimSpecArgs(
            access_modes=[volume.access_mode or "ReadWriteOnce"],
            resources=VolumeResourceRequirementsArgs(requests={"storage": volume.size}),
            storage_class_name=volume.storage_class,
        ),
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(retain_on_delete=True, protect=args.protect or None)
        ),
    )
