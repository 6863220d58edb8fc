"""Flink's resources and what lies in a job file beside them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

from components.dependencies import Turns, after
from components.external_secret import READY
from components.flink_operator import FlinkOperator
from components.internal_tls import internal_tls
from components.kubernetes_object import KubernetesObject
from components.namespace import JobNamespace
from components.plaintext_secrets import guarded
from flink_k8s.config.job_files import FLINK_GROUP
from flink_k8s.config.model import StackSettings, Suspension
from flink_k8s.health.readiness import Readiness
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.state_storage import CLAIM
from flink_k8s.resolve.traffic import rest_port, rest_service


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
        ready: the watch, done once it is ready; None when nobody waits for it.
    """

    def __init__(self, job: Job, readiness: Readiness | None, opts: pulumi.ResourceOptions, turns: Turns) -> None:
        """
        Args:
            job: what is declared.
            readiness: the stack's watch, None when nobody waits for this job.
            opts: provider, what must be there, and ready, before; and whether it is protected.
            turns: of all jobs.
        """
        self.job = job
        metadata = cast(dict[str, Any], job.manifest["metadata"])
        annotations = {**deletion(job.kind), **cast(Mapping[str, str], metadata.get("annotations") or {})}
        manifest = {
            "apiVersion": job.manifest["apiVersion"],
            "kind": job.kind,
            "metadata": {**metadata, "annotations": annotations},
            "spec": guarded(job.spec),
        }
        self.resource = KubernetesObject(f"{job.namespace}/{job.name}", manifest, opts, turns)
        is_real = not pulumi.runtime.is_dry_run()
        self.ready = asyncio.ensure_future(_watched(self.resource, job, readiness)) if readiness and is_real else None

    @property
    def settled(self) -> pulumi.Input[pulumi.Resource]:
        """The resource, once it is ready: for what must come after it."""
        ready = self.ready
        if ready is None:
            return self.resource
        return pulumi.Output.from_input(ready).apply(lambda _: cast(pulumi.Resource, self.resource))

    def export(self, settings: StackSettings) -> dict[str, str]:
        """As a stack output: where the job is and how to look at it."""
        said = {"kind": self.job.kind, "namespace": self.job.namespace}
        if self.job.kind == "FlinkDeployment":
            service, port = rest_service(self.job.name), rest_port(self.job, settings)
            said["restService"] = f"{service}.{self.job.namespace}.svc:{port}"
            said["open"] = f"kubectl -n {self.job.namespace} port-forward svc/{service} {port}"
        return said


def is_awaited(job: Job, suspension: Suspension) -> bool:
    """Whether a run waits for the job: until it runs or, where the run is about suspending it, until it does not."""
    if suspension.about is not None:
        return job.key in suspension.about
    return not job.is_suspended


async def _watched(resource: pulumi.CustomResource, job: Job, readiness: Readiness) -> str:
    await resource.id.future()
    return await readiness.wait(job, resource)


def deploy_jobs(
    platform: DeclaredStack,
    namespaces: Mapping[str, JobNamespace],
    policies: Mapping[str, Sequence[pulumi.Resource]],
    operator: FlinkOperator | None,
    kinds: Mapping[str, pulumi.Resource | None],
    claims: Mapping[str, pulumi.Resource],
    below: pulumi.Input[pulumi.Resource] | None,
    readiness: Readiness | None,
    opts: pulumi.ResourceOptions,
) -> dict[str, FlinkJob]:
    """Every job of the stack and what its file holds besides, each after what it needs.

    Args:
        platform: what the stack declares.
        namespaces: that the stack makes, by name.
        policies: of the jobs' pods, by namespace.
        operator: None when the cluster has it.
        kinds: API group to what brings its kinds into the cluster, None when they are there.
        claims: for state, by namespace.
        below: the platform's stack; None when this one holds the platform.
        readiness: the stack's watch, None when nobody waits for jobs.
        opts: provider.

    Returns:
        The jobs by `kind/namespace/name`.
    """

    def place(namespace: str, brings: pulumi.Input[pulumi.Resource] | None) -> list[pulumi.Input[pulumi.Resource]]:
        home = namespaces.get(namespace)
        found = (*((*home.before, *home.bounds) if home else ()), brings, below)
        return [resource for resource in found if resource is not None]

    beside: dict[str, list[pulumi.Resource]] = {}
    for declared in platform.attachments:
        group = str(declared.manifest["apiVersion"]).rpartition("/")[0]
        brings = (operator.serving if operator else None) if group == FLINK_GROUP else kinds.get(group)
        needed = place(declared.namespace, brings)
        made = attachment(declared, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)))
        beside.setdefault(declared.source.document.file, []).append(made)

    @functools.cache  # most jobs of a namespace come after the same
    def options(is_protected: bool, *needed: pulumi.Input[pulumi.Resource]) -> pulumi.ResourceOptions:
        own = pulumi.ResourceOptions(depends_on=after(needed), protect=is_protected or None)
        return pulumi.ResourceOptions.merge(opts, own)

    turns = Turns()
    jobs: dict[tuple[str, str, str], FlinkJob] = {}
    for job in sorted(platform.jobs, key=lambda job: _LEVELS.get(job.kind, 0)):
        home = namespaces.get(job.namespace)
        before: list[pulumi.Input[pulumi.Resource]] = [*(home.needed if home else policies.get(job.namespace, ()))]
        before += [below] if below is not None else []
        before += [operator.serving] if operator else []
        before += beside.get(job.source.document.file, [])
        certificate = internal_tls(job, place(job.namespace, kinds.get("cert-manager.io")), opts)
        before += [certificate] if certificate is not None else []
        before += [claims[job.namespace]] if job.namespace in claims and job.mounts(CLAIM) else []
        target = ("FlinkDeployment", job.session_cluster) if job.session_cluster else job.snapshot_of
        needed_job = jobs.get((target[0], job.namespace, target[1])) if target else None
        before += [needed_job.settled] if needed_job else []
        watch = readiness if is_awaited(job, platform.settings.suspension) else None
        jobs[job.kind, job.namespace, job.name] = FlinkJob(job, watch, options(job.is_protected, *before), turns)
    return {"/".join(key): job for key, job in jobs.items()}


def exported(jobs: Mapping[str, FlinkJob], settings: StackSettings) -> pulumi.Input[Mapping[str, Mapping[str, str]]]:
    """Where each job is and how to look at it, as a stack output; known once all jobs are ready.

    It is what ends the program with the first job that fails. One output for all watches, since the SDK looks at every
    output that is open whenever one is done.
    """
    found = {key: job.export(settings) for key, job in jobs.items()}
    watches = [job.ready for job in jobs.values() if job.ready is not None]
    if not watches:
        return found
    return pulumi.Output.from_input(asyncio.gather(*watches)).apply(lambda _: found)


_LEVELS = {"FlinkSessionJob": 1, "FlinkStateSnapshot": 2}
"""Session jobs come after deployments, snapshots after all."""


def attachment(declared: Attachment, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """An object of another kind out of a job file, as it stands there."""
    manifest = dict(declared.manifest)
    added = _AWAITED.get((str(manifest["apiVersion"]).partition("/")[0], str(manifest["kind"])))
    if added is not None:
        metadata = cast(dict[str, Any], manifest["metadata"])
        annotations = {**added, **cast(dict[str, Any], metadata.get("annotations") or {})}
        manifest["metadata"] = {**metadata, "annotations": annotations}
    return KubernetesObject(
        f"{declared.namespace}/{declared.source.name}", cast(dict[str, Any], guarded(manifest)), opts
    )


_AWAITED: Mapping[tuple[str, str], Mapping[str, str]] = {
    # A claim binds when its first pod comes: who waits for the claim first waits for ever.
    ("v1", "PersistentVolumeClaim"): {"pulumi.com/skipAwait": "true"},
    # The Secrets that pods of the same file mount.
    ("external-secrets.io", "ExternalSecret"): READY,
    ("cert-manager.io", "Certificate"): READY,
}
"""API group (of the core: its version) and kind to the annotation that says when an object is ready."""
