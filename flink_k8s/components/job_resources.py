"""One Flink resource with everything that belongs to it, watched until it is ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from flink_k8s.components.cert_manager import CertManager
from flink_k8s.components.component import Component
from flink_k8s.components.disruption_budgets import disruption_budget
from flink_k8s.components.flink_operator import FlinkOperator
from flink_k8s.components.flink_quota import FlinkQuota
from flink_k8s.components.internal_tls import internal_tls
from flink_k8s.components.jar_uploads import JarUploads
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.network_policies import job_policy
from flink_k8s.components.options import adopted, child_of
from flink_k8s.components.plaintext_secrets import with_secret_outputs
from flink_k8s.components.state_guard import StateGuard
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.labels import DELETION_POLICY
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.readiness import Readiness
from flink_k8s.health.waiting import waits_for_cluster
from flink_k8s.resolve.availability import DisruptionBudget
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.state_storage import CLAIM
from flink_k8s.resolve.traffic import Traffic, rest_service


def deletion(kind: FlinkKind) -> dict[str, str]:
    """The annotation that specifies how the engine deletes a Flink resource.

    Foreground deletion deletes a JobManager before the operator can take a savepoint. A blue/green deployment has no
    finalizer: background deletion deletes it before its FlinkDeployments, and then their operator.
    """
    policy = "foreground" if kind is FlinkKind.BLUE_GREEN else "background"
    return {DELETION_POLICY: policy}


@dataclass(frozen=True)
class JobResourcesArgs:
    """Arguments of `JobResources`.

    Attributes:
        job: the merged job.
        rest_port: of its REST service; None for a kind without one.
        traffic: connections of its pods; None without NetworkPolicies, or if the kind needs no policy.
        budgets: PodDisruptionBudgets of its pods.
        namespace: of the job; None if another stack owns it.
        quota: of Flink resources in the namespace.
        platform: its parts that jobs need; none if this stack has the platform.
        operator: None if it is installed in the cluster already.
        cert_manager: None if it is installed in the cluster already.
        objects: that exist before the job is deployed: those of its file, and others.
        after: jobs that are ready before the job is deployed.
        target: the session cluster of a session job, or the job of a snapshot; None if it is not in this stack.
        readiness: waits until the job is ready; None to not wait.
        guard: refuses changes that lose the job's state; None to not refuse any.
        uploads: uploads the jars of jobs; None to upload none.
    """

    job: Job
    rest_port: str | None = None
    traffic: Traffic | None = None
    budgets: Sequence[DisruptionBudget] = ()
    namespace: JobNamespace | None = None
    quota: FlinkQuota | None = None
    platform: Sequence[pulumi.Input[pulumi.Resource]] = ()
    operator: FlinkOperator | None = None
    cert_manager: CertManager | None = None
    objects: Sequence[pulumi.Resource] = ()
    after: Sequence[pulumi.Input[pulumi.Resource]] = ()
    target: JobResources | None = None
    readiness: Readiness | None = None
    guard: StateGuard | None = None
    uploads: JarUploads | None = None


class JobResources(Component):
    """A Flink resource, the NetworkPolicy and the PodDisruptionBudgets of its pods, and its certificates.

    Attributes:
        job: the merged job.
        resource: the Flink resource.
        policy: of its pods; None without one.
        settled: the Flink resource once it is ready; a dependency of later resources.
        endpoint: kind, namespace and access to the job; known once the job is ready.
        status: of the ready job, such as `STABLE, RUNNING`; None if the run does not wait for the job.
    """

    def __init__(self, name: str, args: JobResourcesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component: `kind/namespace/name`.
            args: the job and its dependencies.
            opts: provider.
        """
        job = self.job = args.job
        # No inputs: the name contains everything, and each input of each job takes time.
        super().__init__("flink-k8s:index:FlinkJob", name, None, opts)
        created, bounds = (args.namespace.created, args.namespace.bounds) if args.namespace else ([], [])
        self.policy: pulumi.Resource | None = None
        if args.traffic is not None:
            inside = child_of(
                self, [*created, *args.platform], former_parent=args.namespace, was_at_root=args.namespace is None
            )
            self.policy = job_policy(job, args.traffic, inside)
        budgets = [
            disruption_budget(job, budget, child_of(self, [*created, *args.platform])) for budget in args.budgets
        ]
        issuing = [args.cert_manager] if args.cert_manager else []
        certificate = internal_tls(job, [*created, *bounds, *issuing, *args.platform], child_of(self, was_at_root=True))
        before: list[pulumi.Input[pulumi.Resource] | None] = [
            *(args.namespace.job_requirements if args.namespace else ()),
            *args.platform,
            *args.objects,
            *args.after,
            args.operator.serving if args.operator else None,
            args.quota,
            self.policy,
            *budgets,
            certificate,
            args.namespace.state_claim if args.namespace and job.mounts(CLAIM) else None,
            args.target.settled if args.target else None,
        ]
        ready = child_of(self, [resource for resource in before if resource is not None], was_at_root=True)
        if args.guard is not None:
            ready = pulumi.ResourceOptions.merge(ready, args.guard.of_job(job.manifest))
        if args.uploads is not None:
            ready = pulumi.ResourceOptions.merge(ready, args.uploads.of_job(job))
        if job.is_adopted:
            ready = pulumi.ResourceOptions.merge(ready, adopted(job.namespace, job.name))
        resource = self.resource = CustomResource(
            f"{self.prefix}{job.namespace}/{job.name}",
            api_version=str(job.manifest["apiVersion"]),
            kind=job.kind.value,
            metadata=_metadata(job),
            spec=with_secret_outputs(job.deployed_spec),
            opts=pulumi.ResourceOptions.merge(ready, pulumi.ResourceOptions(protect=job.is_protected or None)),
        )
        if args.guard is not None:
            args.guard.follow(resource)
        endpoint = _endpoint(job, args.rest_port)
        self.settled: pulumi.Input[pulumi.Resource] = resource
        self.endpoint: pulumi.Input[Mapping[str, str]] = endpoint
        self.status: pulumi.Output[str] | None = None
        readiness = args.readiness
        if readiness is not None and waits_for_cluster():

            async def watched(values: Sequence[Any]) -> str:
                _, metadata = values
                return await readiness.wait(job, resource, mapping(metadata))

            # The SDK's class does not declare the attributes of its outputs.
            status = self.status = pulumi.Output.all(resource.id, cast(Any, resource).metadata).apply(watched)
            self.settled = status.apply(lambda _: resource)
            self.endpoint = status.apply(lambda _: endpoint)
        self.register_outputs({"endpoint": self.endpoint})


def _metadata(job: Job) -> Mapping[str, Any]:
    metadata = cast(dict[str, Any], job.manifest["metadata"])
    return {**metadata, "annotations": {**deletion(job.kind), **(metadata.get("annotations") or {})}}


def _endpoint(job: Job, rest_port: str | None) -> dict[str, str]:
    endpoint = {"kind": job.kind.value, "namespace": job.namespace}
    if rest_port is not None:
        service = rest_service(job.name)
        endpoint["restService"] = f"{service}.{job.namespace}.svc:{rest_port}"
        endpoint["open"] = f"kubectl -n {job.namespace} port-forward svc/{service} {rest_port}"
    return endpoint
