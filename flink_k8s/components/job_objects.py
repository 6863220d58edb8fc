"""The other objects of job files, such as claims and ConfigMaps: deployed with the jobs of their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi

from flink_k8s.components.cert_manager import CertManager
from flink_k8s.components.component import Component, resource_name
from flink_k8s.components.external_secret import READY
from flink_k8s.components.flink_operator import FlinkOperator
from flink_k8s.components.kubernetes_object import KubernetesObject
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.options import adopted, child_of
from flink_k8s.components.plaintext_secrets import with_secret_outputs
from flink_k8s.components.prometheus import Prometheus
from flink_k8s.components.state_guard import StateGuard
from flink_k8s.config.job_files import FLINK_GROUP
from flink_k8s.facts.labels import DELETION_POLICY
from flink_k8s.resolve.jobs import Attachment, Job

_READINESS: Mapping[tuple[str, str], Mapping[str, str]] = {
    # A claim with WaitForFirstConsumer binds when its first pod starts, so waiting for it first never ends.
    ("v1", "PersistentVolumeClaim"): {"pulumi.com/skipAwait": "true"},
    # Pods of the same file mount their Secrets.
    ("external-secrets.io", "ExternalSecret"): READY,
    ("cert-manager.io", "Certificate"): READY,
    # Strimzi's operators have created the topic, or the user and its Secret.
    ("kafka.strimzi.io", "KafkaTopic"): READY,
    ("kafka.strimzi.io", "KafkaUser"): READY,
}
"""API group (of the core: its version) and kind to the annotation that specifies when an object is ready."""


@dataclass(frozen=True)
class JobObjectsArgs:
    """Arguments of `JobObjects`.

    Attributes:
        objects: of all job files.
        namespaces: that the stack owns, by name.
        operator: None if it is installed in the cluster already.
        cert_manager: None if it is installed in the cluster already.
        prometheus: None if it is installed in the cluster already.
        platform: its parts that jobs need; none if this stack has the platform.
        guard: refuses to delete claims with the state of jobs; None to not refuse it.
    """

    objects: Sequence[Attachment]
    namespaces: Mapping[str, JobNamespace] = field(default_factory=dict[str, JobNamespace])
    operator: FlinkOperator | None = None
    cert_manager: CertManager | None = None
    prometheus: Prometheus | None = None
    platform: Sequence[pulumi.Input[pulumi.Resource]] = ()
    guard: StateGuard | None = None


class JobObjects(Component):
    """Every object of a job file that is not a job.

    They are children of one component, not of their jobs: an object that moves to another file, or whose job is
    renamed, keeps its URN. As a child of its job, a claim would be deleted with its data.
    """

    def __init__(self, name: str, args: JobObjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: the objects and their dependencies.
            opts: provider.
        """
        super().__init__("flink-k8s:index:JobObjects", name, {"count": len(args.objects)}, opts)
        installing: Mapping[str, pulumi.Input[pulumi.Resource] | None] = {
            FLINK_GROUP: args.operator.serving if args.operator else None,
            "cert-manager.io": args.cert_manager,
            "monitoring.coreos.com": args.prometheus,
        }
        self._by_file: dict[str, list[pulumi.Resource]] = {}
        self._by_key: dict[str, pulumi.Resource] = {}
        for declared in args.objects:
            group = str(declared.manifest["apiVersion"]).rpartition("/")[0]
            job_namespace = args.namespaces.get(declared.namespace)
            before: list[pulumi.Input[pulumi.Resource]] = (
                [*job_namespace.created, *job_namespace.bounds] if job_namespace else []
            )
            if (installer := installing.get(group)) is not None:
                before.append(installer)
            before += args.platform
            options = child_of(self, before, was_at_root=True)
            if args.guard is not None:
                options = pulumi.ResourceOptions.merge(options, args.guard.of_storage(declared.manifest))
            if declared.is_adopted:
                options = pulumi.ResourceOptions.merge(options, adopted(declared.namespace, declared.source.name))
            resource = _object(declared, options)
            self._by_file.setdefault(declared.source.document.file, []).append(resource)
            self._by_key[declared.key] = resource
        self.register_outputs({"count": len(args.objects)})

    def of(self, job: Job, after: Sequence[str]) -> Sequence[pulumi.Resource]:
        """The objects in a job's file, and those of other files that the job is deployed after.

        Args:
            job: the job.
            after: keys of the jobs and objects that it is deployed after.
        """
        in_file = self._by_file.get(job.source.document.file, ())
        others = (self._by_key[key] for key in after if key in self._by_key)
        return list(dict.fromkeys((*in_file, *others)))


def _object(declared: Attachment, opts: pulumi.ResourceOptions) -> KubernetesObject:
    manifest = dict(declared.manifest)
    annotations_added = _READINESS.get((str(manifest["apiVersion"]).partition("/")[0], str(manifest["kind"])), {})
    if declared.is_adopted:
        # A changed annotation makes the engine apply the imported object, and own the fields that kubectl has applied.
        annotations_added = {DELETION_POLICY: "background", **annotations_added}
    if annotations_added:
        metadata = cast(dict[str, Any], manifest["metadata"])
        annotations = {**annotations_added, **cast(dict[str, Any], metadata.get("annotations") or {})}
        manifest["metadata"] = {**metadata, "annotations": annotations}
    return KubernetesObject(
        resource_name(f"{declared.namespace}/{declared.source.name}", opts),
        cast(dict[str, Any], with_secret_outputs(manifest)),
        opts,
    )
