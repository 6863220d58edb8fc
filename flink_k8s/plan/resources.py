"""The CPU, memory and storage requests of a plan's jobs before and after, as `resolve.quota_usage` counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.plan.state import DeclaredJob
from flink_k8s.plan.steps import Operation, Step
from flink_k8s.resolve import pod_requests
from flink_k8s.resolve.quota_usage import PodOwner, StackRequests, stack_requests


def pod_owner(job: DeclaredJob) -> PodOwner:
    """A job as input of `quota_usage`, which calculates its requests."""
    return PodOwner((job.kind, job.namespace, job.name), job.spec, job.configuration)


def before(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> StackRequests:
    """The requests before the change.

    Args:
        jobs: before the change; None for new jobs.
        steps: of the preview, for its claims.
        limits: of the namespaces.
    """
    sizes = _sizes((step.old, step) for step in steps)
    return stack_requests((pod_owner(job) for job in jobs if job is not None), sizes, limits)


def after(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> StackRequests:
    """The requests after the change; a claim that is retained in the cluster still counts.

    Args:
        jobs: after the change; None for deleted jobs.
        steps: of the preview, for its claims.
        limits: of the namespaces.
    """
    sizes = _sizes((step.old if _stays(step) else step.new, step) for step in steps)
    return stack_requests((pod_owner(job) for job in jobs if job is not None), sizes, limits)


def _stays(step: Step) -> bool:
    return step.operation is Operation.DELETE and step.retained


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
