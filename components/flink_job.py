"""Flink's resources and what lies in a job file beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.flink_operator import FlinkOperator
from components.namespace import JobNamespace
from components.readiness import Readiness
from settings.job_files import FLINK_API
from settings.jobs import Attachment, Job
from settings.platform import Platform
from settings.state_storage import CLAIM


def deletion(kind: str) -> dict[str, str]:
    """How the deletion of a Flink resource goes down to what its operator made of it, as annotations for the engine.

    Foreground deletion takes a JobManager away before the operator can take a savepoint. A blue/green deployment has
    no finalizer: in the background it is gone before its FlinkDeployments are, and their operator goes next.
    """
    policy = "foreground" if kind == "FlinkBlueGreenDeployment" else "background"
    return {"pulumi.com/deletionPropagationPolicy": policy}


class FlinkJob:
    """One Flink resource, watched until it is ready.

    Attributes:
        job: what is declared.
        resource: the resource.
        ready: its state in words, known once it is ready; what must come after the job depends on `settled`.
    """

    def __init__(
        self,
        job: Job,
        *,
        readiness: Readiness | None,
        after: Sequence[pulumi.Input[pulumi.Resource]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            job: what is declared.
            readiness: the stack's watch, None when nobody waits for jobs.
            after: what must be there, and ready, before.
            opts: provider.
        """
        self.job = job
        metadata = cast(dict[str, Any], job.manifest["metadata"])
        annotations = {**deletion(job.kind), **cast(Mapping[str, str], metadata.get("annotations") or {})}
        self.resource = CustomResource(
            f"{job.namespace}/{job.name}",
            api_version=str(job.manifest["apiVersion"]),
            kind=job.kind,
            metadata=cast(Any, {**metadata, "annotations": annotations}),
            spec=job.spec,
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(depends_on=after, protect=job.is_protected or None)
            ),
        )
        self.ready = _watched(self.resource, job, readiness)

    @property
    def settled(self) -> pulumi.Output[pulumi.Resource]:
        """The resource, once it is ready."""
        return self.ready.apply(lambda _: cast(pulumi.Resource, self.resource))

    def export(self) -> dict[str, str]:
        """As a stack output: where the job is and how to look at it."""
        said = {"kind": self.job.kind, "namespace": self.job.namespace}
        if self.job.kind == "FlinkDeployment":
            service = f"{self.job.name}-rest"
            said["restService"] = f"{service}.{self.job.namespace}.svc:8081"
            said["open"] = f"kubectl -n {self.job.namespace} port-forward svc/{service} 8081"
        return said


def _watched(resource: CustomResource, job: Job, readiness: Readiness | None) -> pulumi.Output[str]:
    if readiness is None or job.is_suspended:
        return resource.id.apply(lambda _: "not awaited")
    return resource.id.apply(lambda _: readiness.wait(job, resource))


class _KubernetesObject(pulumi.CustomResource):
    """Any object as it is written; the SDK's own CustomResource takes nothing but a spec."""

    def __init__(self, name: str, manifest: Mapping[str, object], opts: pulumi.ResourceOptions) -> None:
        api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        group = api_version if "/" in api_version else f"core/{api_version}"
        super().__init__(f"kubernetes:{group}:{kind}", name, dict(manifest), opts)


def deploy_jobs(
    platform: Platform,
    namespaces: Mapping[str, JobNamespace],
    policies: Mapping[tuple[str, str, str], pulumi.Resource],
    operator: FlinkOperator | None,
    kinds: Mapping[str, pulumi.Resource | None],
    claims: Mapping[str, pulumi.Resource],
    readiness: Readiness | None,
    opts: pulumi.ResourceOptions,
) -> dict[str, FlinkJob]:
    """Every job of the stack and what its file holds besides, each after what it needs.

    Args:
        platform: what the stack declares.
        namespaces: by name.
        policies: of the jobs' pods, by kind, namespace and name.
        operator: None when the cluster has it.
        kinds: API group to what brings its kinds into the cluster, None when they are there.
        claims: for state, by namespace.
        readiness: the stack's watch, None when nobody waits for jobs.
        opts: provider.

    Returns:
        The jobs by `kind/namespace/name`.
    """
    beside: dict[str, list[pulumi.Resource]] = {}
    for declared in platform.attachments:
        home = namespaces[declared.namespace]
        group = str(declared.manifest["apiVersion"]).rpartition("/")[0]
        brings = operator if group == FLINK_API.partition("/")[0] else kinds.get(group)
        needed = [resource for resource in (home.namespace, *home.bounds, brings) if resource is not None]
        made = attachment(declared, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)))
        beside.setdefault(declared.source.document.file, []).append(made)

    jobs: dict[tuple[str, str, str], FlinkJob] = {}
    for job in sorted(platform.jobs, key=lambda job: _LEVELS.get(job.kind, 0)):
        after: list[pulumi.Input[pulumi.Resource]] = [*namespaces[job.namespace].needed]
        after += [operator] if operator else []
        own_policy = policies.get((job.kind, job.namespace, job.name))
        after += [own_policy] if own_policy is not None else []
        after += beside.get(job.source.document.file, [])
        after += [claims[job.namespace]] if job.namespace in claims and job.mounts(CLAIM) else []
        target = ("FlinkDeployment", job.session_cluster) if job.session_cluster else job.snapshot_of
        needed_job = jobs.get((target[0], job.namespace, target[1])) if target else None
        after += [needed_job.settled] if needed_job else []
        jobs[job.kind, job.namespace, job.name] = FlinkJob(job, readiness=readiness, after=after, opts=opts)
    return {"/".join(key): job for key, job in jobs.items()}


_LEVELS = {"FlinkSessionJob": 1, "FlinkStateSnapshot": 2}
"""Session jobs come after deployments, snapshots after all."""


def attachment(declared: Attachment, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """An object of another kind out of a job file, as it stands there."""
    manifest = dict(declared.manifest)
    if manifest["kind"] == "PersistentVolumeClaim":
        # A claim binds when its first pod comes: who waits for the claim first waits for ever.
        metadata = cast(dict[str, Any], manifest["metadata"])
        annotations = {"pulumi.com/skipAwait": "true", **cast(dict[str, Any], metadata.get("annotations") or {})}
        manifest["metadata"] = {**metadata, "annotations": annotations}
    return _KubernetesObject(f"{declared.namespace}/{declared.source.name}", manifest, opts)
