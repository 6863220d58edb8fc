"""What a plan's jobs cost before and after: CPU, memory and storage, as `settings.usage` reckons them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settings import demand
from settings.namespace import Limits
from settings.rules.subject import mapping
from settings.usage import Asker, Costs, costs
from settings.values import quantity
from tools.plan.preview import Operation, Step
from tools.plan.state import DeclaredJob


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
