"""Shared names of queries, alerts and monitors: of PodMonitors, and of metrics that the platform defines."""

from __future__ import annotations

from flink_k8s.config.logging_model import LOG_PORT

OPERATOR_MONITOR = "flink-kubernetes-operator"
"""PodMonitor of the operator; its targets are the Prometheus job `<namespace>/flink-kubernetes-operator`."""

JOBS_MONITOR = "flink-jobs"
"""PodMonitor of a namespace's jobs; its targets are the Prometheus job `<namespace>/flink-jobs`."""

CERTIFICATES_MONITOR = "cert-manager"
"""PodMonitor of cert-manager; only if the stack installs it."""

ALERT_RULES = "flink-alerts"
"""PrometheusRule with the alerts."""

OPERATOR_TARGETS = f'job=~".+/{OPERATOR_MONITOR}"'
JOB_TARGETS = f'job=~".+/{JOBS_MONITOR}"'

RESOURCE = "flink_resource"
"""Prefix of the metrics of Flink resources in kube-state-metrics: `flink_k8s/monitoring/kube_state_metrics.py`."""

AUTOSCALER = "flink_k8soperator_namespace_resource_AutoScaler"
"""Prefix of the autoscaler's metrics of a resource; those of a vertex of its job graph continue with `_jobVertexID_`.

The operator exports them only for jobs that it scales, and `NaN` while it collects metrics (AutoscalerFlinkMetrics).
"""

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

INITIAL_STATE = "CREATED"
"""Lifecycle state before the first deployment. A job that is suspended from the start stays in it."""

SETTLING_STATES = ("UPGRADING", "DEPLOYED", "ROLLING_BACK", "ROLLED_BACK", "DELETING")
"""Lifecycle states in which no job must stay."""

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

DECLARED_STATES = ("running", "suspended")
"""`spec.job.state`: the operator's enum JobState, as its resources spell it."""

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
    """The sum of a metric of the operator, with the labels of the counted resources.

    The label `namespace` of the metric itself is that of the operator's pod.
    """
    relabelled = f'label_replace({metric}, "namespace", "$1", "resourcens", "(.*)")'
    if "kind" in by:
        relabelled = f'label_replace({relabelled}, "kind", "$1", "resourcetype", "(.*)")'
    return f"sum by ({by}) ({relabelled})"


FLINK_UI = "http://localhost:8081"
"""URL of the Flink web UI in the committed dashboards, which the program replaces by the URL of the stack."""

LOGS = f"http://localhost:{LOG_PORT}"
"""URL of a job's logs in the committed dashboards, which the program replaces, or removes with its link."""


def reconcile_period(*matchers: str) -> str:
    """The query of the mean seconds between two reconciliations of a resource, by namespace of the operator.

    The operator reconciles each resource again after `kubernetes.operator.reconcile.interval`, whether it has changed
    or not, so a longer time means that it has too few threads or CPU for its resources, or does not work.

    Args:
        matchers: of labels of the resources.
    """
    selector = ", ".join((*matchers, 'resourcetype=~"FlinkDeployment|FlinkSessionJob"'))
    finished = f"flink_k8soperator_namespace_resource_JOSDK_Reconciliation_finished_Count{{{selector}}}[5m]"
    count = f"flink_k8soperator_namespace_Count{{{selector}}}"
    return f"sum by (namespace) ({count}) / sum by (namespace) (rate({finished}))"
