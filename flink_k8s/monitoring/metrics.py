"""Names that queries, alerts and monitors share: of PodMonitors, and of metrics that the platform itself defines."""

from __future__ import annotations

OPERATOR_MONITOR = "flink-kubernetes-operator"
"""PodMonitor of the operator; its targets are the Prometheus job `<namespace>/flink-kubernetes-operator`."""

JOBS_MONITOR = "flink-jobs"
"""PodMonitor of a namespace's jobs; its targets are the Prometheus job `<namespace>/flink-jobs`."""

OPERATOR_TARGETS = f'job=~".+/{OPERATOR_MONITOR}"'
JOB_TARGETS = f'job=~".+/{JOBS_MONITOR}"'

RESOURCE = "flink_resource"
"""Prefix of what kube-state-metrics makes of Flink resources; see `flink_k8s/monitoring/kube_state_metrics.py`."""

LIFECYCLE_STATES = (
    "CREATED",
    "SUSPENDED",
    "UPGRADING",
    "DEPLOYED",
    "STABLE",
    "ROLLING_BACK",
    "ROLLED_BACK",
    "FAILED",
    "DELETING",
    "DELETED",
)
"""`status.lifecycleState` of FlinkDeployment and FlinkSessionJob: the operator's enum ResourceLifecycleState."""

SETTLING_STATES = ("CREATED", "UPGRADING", "DEPLOYED", "ROLLING_BACK", "ROLLED_BACK", "DELETING")
"""Lifecycle states in which a job must not stay."""

JOB_STATES = (
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "RESTARTING",
    "SUSPENDED",
    "RECONCILING",
)
"""`status.jobStatus.state`: Flink's enum JobStatus."""

STARTING_STATES = ("INITIALIZING", "CREATED", "FAILING", "RESTARTING", "RECONCILING")
"""Job states in which a job must not stay."""

SNAPSHOT_STATES = ("COMPLETED", "FAILED", "IN_PROGRESS", "TRIGGER_PENDING", "ABANDONED")
"""`status.state` of a FlinkStateSnapshot."""

BLUE_GREEN_STATES = (
    "INITIALIZING_BLUE",
    "ACTIVE_BLUE",
    "ACTIVE_GREEN",
    "TRANSITIONING_TO_BLUE",
    "TRANSITIONING_TO_GREEN",
    "SAVEPOINTING_BLUE",
    "SAVEPOINTING_GREEN",
)
"""`status.blueGreenState` of a FlinkBlueGreenDeployment."""


def of_resources(metric: str, by: str = "namespace, kind") -> str:
    """A sum of one of the operator's metrics per namespace, under the labels of the resources that it counts.

    The operator's own pod is what the metric's `namespace` would name.
    """
    labelled = f'label_replace({metric}, "namespace", "$1", "resourcens", "(.*)")'
    if "kind" in by:
        labelled = f'label_replace({labelled}, "kind", "$1", "resourcetype", "(.*)")'
    return f"sum by ({by}) ({labelled})"


FLINK_UI = "http://localhost:8081"
"""Where the dashboards as they are committed have Flink's web interface; the program puts the stack's address there."""
