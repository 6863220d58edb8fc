"""Blue/green deployments: the operator waits ten minutes for the deployment that it brings up, and says nothing of why.

So its own status is read. (`kubernetes.operator.bluegreen.abort.grace-period` is how long the operator waits.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.failure_reason import Object
from flink_k8s.health.job_status import Verdict, verdict

_COMING = {"INITIALIZING_BLUE": "blue", "TRANSITIONING_TO_BLUE": "blue", "TRANSITIONING_TO_GREEN": "green"}

_RUNNING = {
    **dict.fromkeys(("INITIALIZING_BLUE", "ACTIVE_BLUE", "SAVEPOINTING_BLUE", "TRANSITIONING_TO_GREEN"), "blue"),
    **dict.fromkeys(("ACTIVE_GREEN", "SAVEPOINTING_GREEN", "TRANSITIONING_TO_BLUE"), "green"),
}
"""Until the one that is coming runs, the one before it does."""


def children(name: str) -> tuple[str, str]:
    """The two FlinkDeployments of a blue/green deployment."""
    return f"{name}-blue", f"{name}-green"


def running(found: Object) -> str | None:
    """The FlinkDeployment that has a blue/green deployment's job now; None while there is none."""
    status = cast(Object, found.get("status") or {})
    color = _RUNNING.get(str(status.get("blueGreenState")))
    return f"{found['metadata']['name']}-{color}" if color else None


def with_coming(judged: Verdict, found: Object, deployments: Mapping[str, Object]) -> Verdict:
    """The verdict, or that of the FlinkDeployment that is being brought up when it has failed.

    Args:
        judged: of the blue/green deployment.
        found: the blue/green deployment.
        deployments: the FlinkDeployments of its namespace, by name.
    """
    status = cast(Object, found.get("status") or {})
    color = _COMING.get(str(status.get("blueGreenState")))
    name = f"{found['metadata']['name']}-{color}"
    if judged.state != "waiting" or name not in deployments:
        return judged
    coming = verdict(FlinkKind.DEPLOYMENT, deployments[name])
    shown = f"{judged.shown}; {name} {coming.shown}"
    if coming.state != "failed":
        return replace(judged, shown=shown)
    # Until the operator has taken a change over, it may be the spec before that fails.
    patience, is_observed = max(coming.patience, judged.patience), coming.is_observed and judged.is_observed
    return replace(coming, shown=shown, patience=patience, is_observed=is_observed)
