"""The CPU, memory and storage requests of a plan's jobs before and after, as `resolve.quota_usage` counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.kinds import POD_SPECS
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.plan.state import DeclaredJob
from flink_k8s.plan.steps import Operation, Step
from flink_k8s.resolve import pod_requests
from flink_k8s.resolve.pod_requests import Pods
from flink_k8s.resolve.quota_usage import JobKey, PodOwner, StackRequests, stack_requests


def pod_owner(job: DeclaredJob) -> PodOwner:
    """A job as input of `quota_usage`, which calculates its requests."""
    return PodOwner((job.kind, job.namespace, job.name), job.spec, job.configuration)


def before(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> StackRequests:
    """The requests before the change.

    Args:
        jobs: before the change; None for new jobs.
        steps: of the preview, for its claims and workloads.
        limits: of the namespaces.
    """
    objects = [(step.old, step) for step in steps]
    owners = (pod_owner(job) for job in jobs if job is not None)
    return stack_requests(owners, _sizes(objects), limits, _workloads(objects))


def after(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> StackRequests:
    """The requests after the change; a claim that is retained in the cluster still counts.

    Args:
        jobs: after the change; None for deleted jobs.
        steps: of the preview, for its claims and workloads.
        limits: of the namespaces.
    """
    objects = [(step.old if _stays(step) else step.new, step) for step in steps]
    owners = (pod_owner(job) for job in jobs if job is not None)
    return stack_requests(owners, _sizes(objects), limits, _workloads(objects))


def _stays(step: Step) -> bool:
    return step.operation is Operation.DELETE and step.retained


def _workloads(objects: Iterable[tuple[Mapping[str, object] | None, Step]]) -> dict[JobKey, Pods]:
    workloads: dict[JobKey, Pods] = {}
    for manifest, step in objects:
        pods = pod_requests.workload(manifest) if manifest is not None and step.kind in POD_SPECS else None
        if manifest is not None and pods is not None:
            metadata = mapping(manifest.get("metadata"))
            workloads[step.kind, str(metadata.get("namespace")), str(metadata.get("name"))] = pods
    return workloads


def _sizes(claims: Iterable[tuple[Mapping[str, object] | None, Step]]) -> dict[tuple[str, str], int]:
    sizes: dict[tuple[str, str], int] = {}
    for manifest, step in claims:
        if manifest is None or step.kind != "PersistentVolumeClaim":
            continue
        metadata = mapping(manifest.get("metadata"))
        try:
            size = int(quantity(str(pod_requests.claim_size(manifest))))
        except ValueError:  # no size, or it is known only after up
            continue
        sizes[str(metadata.get("namespace")), str(metadata.get("name"))] = size
    return sizes
