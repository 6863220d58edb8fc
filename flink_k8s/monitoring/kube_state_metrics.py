"""Values of kube-state-metrics: metrics of each Flink resource, by custom-resource state.

The configuration has the type `Metrics` of the package `customresourcestate`. It results in these metrics:

| metric | kinds |
| --- | --- |
| `flink_resource_lifecycle_state{state}` | FlinkDeployment, FlinkSessionJob; 1 for the current state |
| `flink_resource_job_state{state}` | these and FlinkBlueGreenDeployment |
| `flink_resource_declared_state{state}` | the same; `running` or `suspended`, not for a session cluster |
| `flink_resource_blue_green_state{state}` | FlinkBlueGreenDeployment |
| `flink_resource_snapshot_state{state, job, path}` | FlinkStateSnapshot |
| `flink_resource_snapshot_result_timestamp_seconds{job, path}` | FlinkStateSnapshot |
| `flink_resource_error_info{error}` | all; only if there is an error |
| `flink_resource_generation`, `flink_resource_observed_generation` | FlinkDeployment, FlinkSessionJob |
| `flink_resource_internal_tls_info{keystore}` | FlinkDeployment; only with TLS between its processes |
| `flink_resource_last_savepoint_timestamp_milliseconds` | the same, if savepoints are not resources |

All have the labels `namespace`, `name` and `kind`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flink_k8s.facts.kinds import FLINK_GROUP, FLINK_VERSION, FlinkKind
from flink_k8s.monitoring.metrics import (
    BLUE_GREEN_STATES,
    DECLARED_STATES,
    JOB_STATES,
    LIFECYCLE_STATES,
    RESOURCE,
    SNAPSHOT_STATES,
)
from flink_k8s.resolve.internal_tls import KEYSTORE_OPTION

_LIFECYCLE = ("status", "lifecycleState")
_JOB_STATE = ("status", "jobStatus", "state")


def values() -> dict[str, Any]:
    """The chart's values: the configuration, and the permission to list and watch the resources.

    The chart grants the rights of the collectors. No alert or dashboard uses metrics of Secrets and ConfigMaps.
    """
    return {
        "collectorsExclude": ["configmaps", "secrets"],
        "customResourceState": {
            "enabled": True,
            "config": {"kind": "CustomResourceStateMetrics", "spec": {"resources": _resources()}},
        },
        "rbac": {
            "extraRules": [
                {
                    "apiGroups": [FLINK_GROUP],
                    "resources": [
                        *sorted(kind.plural for kind in FlinkKind),
                    ],
                    "verbs": ["list", "watch"],
                }
            ]
        },
    }


def _resources() -> list[dict[str, Any]]:
    job_metrics = [
        _states("lifecycle_state", "Lifecycle state of the resource.", _LIFECYCLE, LIFECYCLE_STATES),
        _states("job_state", "State of the Flink job.", _JOB_STATE, JOB_STATES),
        _declared_state(FlinkKind.DEPLOYMENT),
        _number("generation", "Generation of the resource.", ("metadata", "generation")),
        _number(
            "observed_generation",
            "Generation that the operator has observed.",
            ("status", "observedGeneration"),
        ),
        _number(
            "last_savepoint_timestamp_milliseconds",
            "Time of the last savepoint in the status of the resource.",
            ("status", "jobStatus", "savepointInfo", "lastSavepoint", "timeStamp"),
        ),
    ]
    blue_green = [
        _states("blue_green_state", "State: blue or green is active.", ("status", "blueGreenState"), BLUE_GREEN_STATES),
        _states("job_state", "State of the Flink job.", _JOB_STATE, JOB_STATES),
        _declared_state(FlinkKind.BLUE_GREEN),
    ]
    snapshot_labels = {"job": ["spec", "jobReference", "name"], "path": ["status", "path"]}
    snapshots = [
        {
            **_states("snapshot_state", "State of the snapshot.", ("status", "state"), SNAPSHOT_STATES),
            "labelsFromPath": snapshot_labels,
        },
        {
            **_number(
                "snapshot_result_timestamp_seconds",
                "Time when the snapshot was completed or failed.",
                ("status", "resultTimestamp"),
            ),
            "labelsFromPath": snapshot_labels,
        },
    ]
    no_path: list[str] = []
    path = ["spec", "flinkConfiguration"]
    # A missing option results in no metric.
    tls = {
        "name": "internal_tls_info",
        "help": "Path of the certificate in the job's processes.",
        "each": {
            "type": "Info",
            "info": {"path": [*path, KEYSTORE_OPTION], "labelsFromPath": {"keystore": no_path}},
        },
    }
    return [
        _resource(FlinkKind.DEPLOYMENT, [*job_metrics, tls]),
        _resource(FlinkKind.SESSION_JOB, job_metrics),
        _resource(FlinkKind.BLUE_GREEN, blue_green),
        _resource(FlinkKind.SNAPSHOT, snapshots),
    ]


def _resource(kind: FlinkKind, metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    no_path: list[str] = []
    error: dict[str, Any] = {
        "name": "error_info",
        "help": "Error that the operator reports.",
        "each": {"type": "Info", "info": {"path": ["status", "error"], "labelsFromPath": {"error": no_path}}},
    }
    return {
        "groupVersionKind": {"group": FLINK_GROUP, "version": FLINK_VERSION, "kind": kind.value},
        "metricNamePrefix": RESOURCE,
        "commonLabels": {"kind": kind.value},
        "labelsFromPath": {"name": ["metadata", "name"], "namespace": ["metadata", "namespace"]},
        # Do not log missing fields at each scrape.
        "errorLogV": 10,
        "metrics": [*metrics, error],
    }


def _declared_state(kind: FlinkKind) -> dict[str, Any]:
    path = [*kind.spec_path, "job", "state"]
    return _states("declared_state", "State that the spec declares for the job.", path, DECLARED_STATES)


def _states(name: str, help_text: str, path: Sequence[str], states: Sequence[str]) -> dict[str, Any]:
    each = {"type": "StateSet", "stateSet": {"labelName": "state", "path": list(path), "list": list(states)}}
    return {"name": name, "help": help_text, "each": each}


def _number(name: str, help_text: str, path: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "help": help_text, "each": {"type": "Gauge", "gauge": {"path": list(path)}}}
