"""Health checks of the Flink kinds for Flux: CEL expressions on the status that the Flink operator writes.

Flux 2.5 and newer evaluates `healthCheckExprs`: first it compares `status.observedGeneration` with the generation, then
it evaluates `failed` and `current`. An object is in progress if none is true. It is also in progress if an expression
fails, as without a status; `has` prevents other failures. The checks for Argo CD in `argocd` do the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from flink_k8s.program.manifest import Manifest

_RUNS_OR_HAS_FINISHED: Final = "status.jobStatus.state in ['RUNNING', 'FINISHED']"
_HAS_JOB_STATE: Final = "has(status.jobStatus) && has(status.jobStatus.state)"

_SUSPENDED: Final = "has(spec.job) && has(spec.job.state) && spec.job.state == 'suspended'"
_HAS_LIFECYCLE: Final = "has(status.lifecycleState)"
_JOB: Final = {
    "failed": (
        f"!({_SUSPENDED}) && {_HAS_LIFECYCLE} && (status.lifecycleState in ['FAILED', 'ROLLED_BACK'] || "
        "(has(status.jobManagerDeploymentStatus) && status.jobManagerDeploymentStatus == 'ERROR'))"
    ),
    # The operator does not process a job that is suspended from the start: its state remains CREATED. The lifecycle
    # remains STABLE while a job restarts repeatedly. A session cluster has no job.
    "current": (
        f"({_SUSPENDED}) ? (!{_HAS_LIFECYCLE} || status.lifecycleState in ['CREATED', 'SUSPENDED']) : "
        f"({_HAS_LIFECYCLE} && status.lifecycleState == 'STABLE' && (!({_HAS_JOB_STATE}) || {_RUNS_OR_HAS_FINISHED}))"
    ),
}

_TEMPLATE_SUSPENDED: Final = (
    "has(spec.template) && has(spec.template.spec) && has(spec.template.spec.job) && "
    "has(spec.template.spec.job.state) && spec.template.spec.job.state == 'suspended'"
)
_HAS_BLUE_GREEN: Final = "has(status.blueGreenState)"
_BLUE_GREEN: Final = {
    "failed": f"!({_TEMPLATE_SUSPENDED}) && {_HAS_JOB_STATE} && status.jobStatus.state in ['FAILING', 'FAILED']",
    "current": (
        f"({_TEMPLATE_SUSPENDED}) ? (!{_HAS_BLUE_GREEN} || status.blueGreenState == 'INITIALIZING_BLUE' || "
        f"({_HAS_JOB_STATE} && status.jobStatus.state == 'SUSPENDED')) : "
        f"({_HAS_BLUE_GREEN} && status.blueGreenState in ['ACTIVE_BLUE', 'ACTIVE_GREEN'] && {_HAS_JOB_STATE} && "
        f"{_RUNS_OR_HAS_FINISHED})"
    ),
}

_SNAPSHOT: Final = {
    "failed": "has(status.state) && status.state in ['FAILED', 'ABANDONED']",
    "current": "has(status.state) && status.state == 'COMPLETED'",
}

EXPRESSIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "FlinkBlueGreenDeployment": _BLUE_GREEN,
    "FlinkDeployment": _JOB,
    "FlinkSessionJob": _JOB,
    "FlinkStateSnapshot": _SNAPSHOT,
}
"""Kind to its expressions."""


def health_checks(kinds: Collection[str]) -> list[Manifest]:
    """`healthCheckExprs` of a Kustomization.

    Args:
        kinds: of its objects; those without a health check are ignored.
    """
    return [
        {"apiVersion": "flink.apache.org/v1beta1", "kind": kind, **expressions}
        for kind, expressions in EXPRESSIONS.items()
        if kind in kinds
    ]
