"""Derived values of a job with `recovery: fast`; docs/availability.md contains the effect and the cost of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_k8s.config.model import JobSettings
from flink_k8s.facts import tables
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import flink_numbers, short_version
from flink_k8s.resolve.job_spec import in_template
from flink_k8s.resolve.operator_configuration import Options
from flink_k8s.resolve.state_storage import Resource, inner_spec, keeps_state
from flink_k8s.resolve.streaming import streaming_obstacle

_JOB_MANAGERS: Final = "kubernetes.jobmanager.replicas"

_OPTIONS: Final[Mapping[str, str]] = {
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.initial-backoff": "200 ms",
}
_HEARTBEAT: Final[Mapping[str, str]] = {"heartbeat.interval": "5 s", "heartbeat.timeout": "20 s"}
"""Derived together: Flink requires an interval below the timeout."""
_NATIVE: Final[Mapping[str, str]] = {"slotmanager.redundant-taskmanager-num": "1"}
"""Of jobs whose TaskManagers Flink creates."""

_STREAMING: Final[Mapping[str, str]] = {"jobmanager.scheduler": "adaptive"}
_STATE: Final[Mapping[str, str]] = {
    "execution.checkpointing.local-backup.enabled": "true",
    "execution.state-recovery.from-local": "true",
}
_OLDER_STATE: Final[Mapping[str, str]] = {"state.backend.local-recovery": "true"}
"""Before Flink 1.20."""


def obstacle(resource: Resource, configuration: Mapping[str, str]) -> str | None:
    """The reason why `recovery` has no effect for a resource; None if it has an effect.

    Args:
        resource: the resource.
        configuration: as the operator merges it.
    """
    if not resource.kind.has_pods or not isinstance(resource.inner.get("job"), dict):
        return f"has no effect for a {resource.kind} that does not run its own job"
    return streaming_obstacle(resource, configuration)


def derived_recovery(
    resource: Resource,
    settings: JobSettings,
    configuration: Mapping[str, str],
    derived: Mapping[str, object],
    operator: str,
) -> dict[str, object]:
    """The derived part of the spec; empty for a job without `recovery: fast`.

    An option that the job or the operator's defaults set, by any name, is not derived.

    Args:
        resource: the resource.
        settings: of the job, merged from all sources.
        configuration: as the operator merges it.
        derived: the other derived values, which can enable high availability.
        operator: version of the operator.
    """
    if settings.recovery != "fast" or obstacle(resource, configuration) is not None:
        return {}
    names = tables.option_names(operator, short_version(resource.flink_version))
    is_native = resource.inner.get("mode") != "standalone"
    numbers = flink_numbers(resource.flink_version)
    options = dict(_OPTIONS)
    options |= _HEARTBEAT if configuration.keys().isdisjoint(_HEARTBEAT) else {}
    options |= _NATIVE if is_native else {}
    options |= _STREAMING if is_native and numbers is not None and numbers >= (1, 18) else {}
    if keeps_state(resource.inner.get("job")) and numbers is not None:
        options |= _STATE if numbers >= (1, 20) else _OLDER_STATE
    spec: dict[str, object] = {
        "flinkConfiguration": {
            key: value for key, value in options.items() if configuration.keys().isdisjoint(names.get(key, (key,)))
        }
    }
    derived_options = mapping(inner_spec(resource.kind, derived).get("flinkConfiguration"))
    effective = {**{key: str(value) for key, value in derived_options.items()}, **configuration}
    if Options(operator, effective).is_highly_available and _JOB_MANAGERS not in configuration:
        spec["jobManager"] = {"replicas": 2}
    return in_template(resource.kind, spec)
