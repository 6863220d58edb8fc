"""Derived options of a job with `autoscaling`: those of the operator's autoscaler, and Flink's adaptive scheduler.

docs/autoscaling.md contains the reason for each value. With the adaptive scheduler, the operator changes the
parallelism of a running job by Flink's REST API instead of an upgrade (NativeFlinkService, Flink 1.18 and newer).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_k8s.config.autoscaling_model import Autoscaling
from flink_k8s.config.model import JobSettings
from flink_k8s.facts import tables, versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import flink_numbers
from flink_k8s.resolve.job_spec import in_template
from flink_k8s.resolve.operator_configuration import Options
from flink_k8s.resolve.state_storage import Resource
from flink_k8s.resolve.streaming import streaming_obstacle

PREFIX: Final = "job.autoscaler."
ENABLED: Final = f"{PREFIX}enabled"
LIMIT: Final = f"{PREFIX}vertex.max-parallelism"
SCHEDULER: Final = "jobmanager.scheduler"

_FIRST_IN_PLACE: Final = (1, 18)

PROFILES: Final[Mapping[str, Mapping[str, str]]] = {
    "conservative": {
        "utilization.target": "0.6",
        "utilization.max": "0.9",
        "utilization.min": "0.3",
        "metrics.window": "30 min",
        "stabilization.interval": "10 min",
        "scale-down.interval": "4 h",
        "scale-down.max-factor": "0.3",
        "catch-up.duration": "1 h",
        "scaling.effectiveness.detection.enabled": "true",
    },
    "balanced": {
        "utilization.target": "0.7",
        "utilization.max": "0.9",
        "utilization.min": "0.5",
        "metrics.window": "15 min",
        "stabilization.interval": "5 min",
        "scale-down.interval": "1 h",
        "scale-down.max-factor": "0.6",
        "catch-up.duration": "30 min",
    },
    "eager": {
        "utilization.target": "0.7",
        "utilization.max": "0.8",
        "utilization.min": "0.6",
        "metrics.window": "5 min",
        "stabilization.interval": "1 min",
        "scale-down.interval": "10 min",
        "scale-down.max-factor": "0.6",
        "catch-up.duration": "10 min",
    },
}
"""By profile, the options of the autoscaler without their prefix, by their newest names."""

_OLDER_NAMES: Final = {
    "utilization.target": "target.utilization",
    "scale-down.interval": "scale-up.grace-period",
}
"""The names of options in operators that lack the newest name."""

_BOUNDARY: Final = "target.utilization.boundary"
_BOUNDS: Final = ("utilization.max", "utilization.min")


def scaled_by(settings: JobSettings) -> Autoscaling | None:
    """The autoscaling of a job with these settings; None if it is not set or disabled."""
    autoscaling = settings.autoscaling
    return None if autoscaling is None or autoscaling.profile == "none" else autoscaling


def obstacle(resource: Resource, configuration: Mapping[str, str], operator: str) -> str | None:
    """The reason why the autoscaler cannot scale a resource; None if it can.

    Args:
        resource: the resource.
        configuration: as the operator merges it.
        operator: version of the operator.
    """
    if not isinstance(resource.inner.get("job"), dict):
        return f"has no effect for a {resource.kind} without a job"
    if (
        resource.kind == FlinkKind.SESSION_JOB
        and not versions.operator_version(operator).reads_session_job_configuration
    ):
        return f"has no effect, because operator {operator} does not read the flinkConfiguration of session jobs"
    return streaming_obstacle(resource, configuration)


def derived_autoscaling(
    resource: Resource, settings: JobSettings, configuration: Mapping[str, str], operator: str
) -> dict[str, object]:
    """The derived part of the spec; empty for a job without `autoscaling`.

    An option that the job or the operator's defaults set, by any name, is not derived.

    Args:
        resource: the resource.
        settings: of the job, merged from all sources.
        configuration: as the operator merges it.
        operator: version of the operator.
    """
    autoscaling = scaled_by(settings)
    if autoscaling is None or obstacle(resource, configuration, operator) is not None:
        return {}
    known = tables.operator_options(operator)
    options = {
        "enabled": "true",
        **PROFILES[autoscaling.profile],
        "vertex.min-parallelism": str(autoscaling.min or 1),
        **({} if autoscaling.max is None else {"vertex.max-parallelism": str(autoscaling.max)}),
    }
    if PREFIX + _BOUNDS[0] not in known:
        target, upper = float(options["utilization.target"]), float(options["utilization.max"])
        options[_BOUNDARY] = f"{upper - target:.1f}"
    set_options = Options(operator, configuration)
    if set_options.value(PREFIX + _BOUNDARY) is not None:
        # The operator prefers the bounds to the boundary, which the job sets.
        options = {name: value for name, value in options.items() if name not in _BOUNDS}
    is_in_place = _scales_in_place(resource, configuration)
    if is_in_place:
        options |= {"restart.time": "1 min"}
    options |= {"restart.time-tracking.enabled": "true"}
    derived: dict[str, object] = {}
    for name, value in options.items():
        key = PREFIX + (name if PREFIX + name in known else _OLDER_NAMES.get(name, name))
        if key in known and set_options.value(key) is None:
            derived[key] = value
    if is_in_place and resource.kind != FlinkKind.SESSION_JOB and SCHEDULER not in configuration:
        derived[SCHEDULER] = "adaptive"
    return in_template(resource.kind, {"flinkConfiguration": derived})


def _scales_in_place(resource: Resource, configuration: Mapping[str, str]) -> bool:
    """Whether the operator can change the parallelism without an upgrade of the job."""
    version = flink_numbers(resource.flink_version)
    if version is None or version < _FIRST_IN_PLACE:
        return False
    if resource.kind == FlinkKind.SESSION_JOB:
        # The scheduler is an option of the cluster.
        scheduler = mapping((resource.cluster or {}).get("flinkConfiguration")).get(SCHEDULER)
        return str(scheduler).lower() == "adaptive"
    return resource.inner.get("mode") != "standalone" and configuration.get(SCHEDULER, "adaptive").lower() == "adaptive"
