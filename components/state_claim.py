"""The claim on which the jobs of a namespace keep their state, for `stateStorage: {type: volume}`."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim, PersistentVolumeClaimSpecArgsDict

from components.namespace import JobNamespace
from settings.labels import labels
from settings.platform import Platform
from settings.state_storage import CLAIM


def state_claims(
    platform: Platform, namespaces: Mapping[str, JobNamespace], opts: pulumi.ResourceOptions
) -> dict[str, PersistentVolumeClaim]:
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


def _claim(platform: Platform, home: JobNamespace, opts: pulumi.ResourceOptions) -> PersistentVolumeClaim:
    volume = platform.settings.state_storage.volume
    spec: PersistentVolumeClaimSpecArgsDict = {
        "access_modes": [volume.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.storage_class is not None:
        spec["storage_class_name"] = volume.storage_class
    is_protected = any(job.is_protected for job in platform.jobs if job.namespace == home.name and job.mounts(CLAIM))
    return PersistentVolumeClaim(
        f"{home.name}/{CLAIM}",
        metadata={
            "name": CLAIM,
            "namespace": home.name,
            "labels": labels(CLAIM),
            # It binds when its first pod comes: who waits for the claim first waits for ever.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        spec=spec,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[home.namespace, *home.bounds], retain_on_delete=True, protect=is_protected or None
            ),
        ),
    )
