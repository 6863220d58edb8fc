"""What the jobs of a plan request before and after: CPU, memory and storage, as `resolve.quota_usage` counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.operations.plan.preview import Operation, Step
from flink_k8s.operations.plan.state import DeclaredJob
from flink_k8s.resolve import pod_requests as demand
from flink_k8s.resolve.quota_usage import Asker, Costs, costs


def asker(job: DeclaredJob) -> Asker:
    """A job as what it asks for is reckoned."""
    return Asker((job.kind, job.namespace, job.name), job.spec, job.configuration)


def before(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> Costs:
    """What is there costs.

    Args:
        jobs: before; None for those that are new.
        steps: of the preview, for its claims.
        limits: of the namespaces.
    """
    sizes = _sizes((step.old, step) for step in steps)
    return costs((asker(job) for job in jobs if job is not None), sizes, limits)


def after(jobs: Iterable[DeclaredJob | None], steps: Iterable[Step], limits: Mapping[str, Limits]) -> Costs:
    """What is to be there will cost; a claim that stays in the cluster when the stack lets go of it still counts.

    Args:
        jobs: after; None for those that go.
        steps: of the preview, for its claims.
        limits: of the namespaces.
    """
    sizes = _sizes((step.old if _stays(step) else step.new, step) for step in steps)
    return costs((asker(job) for job in jobs if job is not None), sizes, limits)


def _stays(step: Step) -> bool:
    return step.operation is Operation.DELETE and step.retained


def _sizes(claims: Iterable[tuple[Mapping[str, object] | None, Step]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for manifest, step in claims:
        if manifest is None or step.kind != "PersistentVolumeClaim":
            continue
        metadata = mapping(manifest.get("metadata"))
        try:
            size = int(quantity(str(demand.claim_size(manifest))))
        except ValueError:  # it does not say, or not yet
            continue
        found[str(metadata.get("namespace")), str(metadata.get("name"))] = size
    return found
