"""The dashboard of the platform: jobs and their states, health of the operator, resource usage."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from flink_k8s.monitoring import panels
from flink_k8s.monitoring.metrics import JOB_TARGETS, OPERATOR_TARGETS, RESOURCE
from flink_k8s.monitoring.panels import NAMESPACE, RESOURCE_NAMESPACE, Query

UID = "flink-platform"


def _by_state(metric: str) -> str:
    """Counts of the operator by state, which is part of the names of its metrics."""
    names = f'{{__name__=~"flink_k8soperator_namespace_{metric}_.+_Count", {RESOURCE_NAMESPACE}}}'
    pattern = f"flink_k8soperator_namespace_{metric}_(.+)_Count"
    return f'sum by (state) (label_replace({names}, "state", "$1", "__name__", "{pattern}"))'


def build() -> Dashboard:
    """Build the dashboard."""
    to_job = "/d/flink-job?var-namespace=${__data.fields.Namespace}&var-job=${__data.fields.Job}&${__url_time_range}"
    return (
        panels.new(UID, "Flink: the platform", "Jobs by state, health of the operator, and resource requests.")
        .with_variable(panels.choice("namespace", "Namespace", f"up{{{JOB_TARGETS}}}", "namespace", several=True))
        .with_row(panels.row("Jobs"))
        .with_panel(
            panels.number(
                "Stable",
                Query(f"sum(flink_k8soperator_namespace_Lifecycle_State_STABLE_Count{{{RESOURCE_NAMESPACE}}})"),
            )
        )
        .with_panel(
            panels.number(
                "Failed",
                Query(f"sum(flink_k8soperator_namespace_Lifecycle_State_FAILED_Count{{{RESOURCE_NAMESPACE}}})"),
                bad_from=1,
            )
        )
        .with_panel(
            panels.number("Running", Query(f"sum(flink_jobmanager_job_runningState{{{NAMESPACE}}}) or vector(0)"))
        )
        .with_panel(
            panels.number(
                "Pods that do not respond",
                Query(f"count(up{{{JOB_TARGETS}, {NAMESPACE}}} == 0) or vector(0)"),
                bad_from=1,
                meaning="JobManagers and TaskManagers that Prometheus cannot scrape.",
            )
        )
        .with_panel(
            panels.number(
                "Operators that do not respond", Query(f"count(up{{{OPERATOR_TARGETS}}} == 0) or vector(0)"), bad_from=1
            )
        )
        .with_panel(
            panels.number(
                "Firing alerts",
                Query('count(ALERTS{alertname=~"Flink.+", alertstate="firing"}) or vector(0)'),
                bad_from=1,
            )
        )
        .with_panel(
            panels.graph(
                "Resources by state",
                Query(_by_state("Lifecycle_State"), "{{state}}"),
                stacked=True,
                meaning="As the operator counts FlinkDeployments and FlinkSessionJobs.",
            )
        )
        .with_panel(
            panels.graph("JobManagers by state", Query(_by_state("JmDeploymentStatus"), "{{state}}"), stacked=True)
        )
        .with_panel(
            panels.rows(
                "Running jobs",
                Query(f"max by (namespace, app) (flink_jobmanager_job_runningTime{{{NAMESPACE}}}) / 1000"),
                [("namespace", "Namespace"), ("app", "Job"), ("Value", "Seconds without a restart")],
                link=to_job,
                meaning="A click opens the dashboard of the job.",
                width=12,
            )
        )
        .with_panel(
            panels.rows(
                "Declared resources",
                Query(f"max by (namespace, kind, name, state) ({RESOURCE}_lifecycle_state{{{NAMESPACE}}} == 1)"),
                [("namespace", "Namespace"), ("kind", "Kind"), ("name", "Job"), ("state", "State")],
                link=to_job,
                meaning="As kube-state-metrics reads them from the cluster.",
                width=12,
            )
        )
        .with_panel(
            panels.rows(
                "Errors",
                Query(f"max by (namespace, kind, name, error) ({RESOURCE}_error_info{{{NAMESPACE}}})"),
                [("namespace", "Namespace"), ("kind", "Kind"), ("name", "Job"), ("error", "Error")],
                meaning="Error that the operator reports for a resource.",
                width=12,
            )
        )
        .with_panel(
            panels.rows(
                "Alerts",
                Query('ALERTS{alertname=~"Flink.+"}'),
                [
                    ("alertname", "Alert"),
                    ("alertstate", "State"),
                    ("severity", "Severity"),
                    ("namespace", "Namespace"),
                    ("app", "Job"),
                    ("name", "Resource"),
                ],
                width=12,
            )
        )
        .with_row(panels.row("Throughput and resource requests"))
        .with_panel(
            panels.graph(
                "Records into tasks",
                Query(
                    f"sum by (namespace) (flink_taskmanager_job_task_numRecordsInPerSecond{{{NAMESPACE}}})",
                    "{{namespace}}",
                ),
                unit="reqps",
            )
        )
        .with_panel(
            panels.graph(
                "CPU requests of jobs",
                Query(
                    f"sum by (resourcens) (flink_k8soperator_namespace_ResourceUsage_Cpu{{{RESOURCE_NAMESPACE}}})",
                    "{{resourcens}}",
                ),
            )
        )
        .with_panel(
            panels.graph(
                "Memory requests of jobs",
                Query(
                    f"sum by (resourcens) (flink_k8soperator_namespace_ResourceUsage_Memory{{{RESOURCE_NAMESPACE}}})",
                    "{{resourcens}}",
                ),
                unit="bytes",
            )
        )
        .with_panel(
            panels.graph(
                "State of jobs",
                Query(
                    "sum by (resourcens) "
                    f"(flink_k8soperator_namespace_ResourceUsage_StateSize{{{RESOURCE_NAMESPACE}}})",
                    "{{resourcens}}",
                ),
                unit="bytes",
                meaning="Size of the last checkpoints.",
            )
        )
    )
