"""The dashboard of the operator: reconciliations, their duration and failures, and the operator's health."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from flink_k8s.monitoring import panels
from flink_k8s.monitoring.metrics import JOB_TARGETS, OPERATOR_TARGETS, reconcile_period
from flink_k8s.monitoring.panels import RESOURCE_NAMESPACE, Query

UID = "flink-operator"

_OPERATOR = "flink_k8soperator"
_RESOURCE = f"{_OPERATOR}_namespace_resource_JOSDK"


def build() -> Dashboard:
    """Build the dashboard."""

    def per_second(metric: str, legend: str) -> Query:
        return Query(f"sum(rate({_RESOURCE}_{metric}{{{RESOURCE_NAMESPACE}}}[$__rate_interval]))", legend)

    def summary(metric: str, quantile: str, legend: str) -> Query:
        of = f'{metric}{{{RESOURCE_NAMESPACE}, quantile="{quantile}"}}'
        return Query(f"max by (resourcetype) ({of})", legend)

    matcher = f"{{{OPERATOR_TARGETS}}}"
    return (
        panels.new(UID, "Flink: the operator", "Reconciliations, their duration, and the health of the operator.")
        .with_variable(panels.choice("namespace", "Namespace", f"up{{{JOB_TARGETS}}}", "namespace", several=True))
        .with_row(panels.row("Status"))
        .with_panel(panels.number("Responds to Prometheus", Query(f"max(up{matcher})"), meaning="1: yes, 0: no."))
        .with_panel(
            panels.number(
                "FlinkDeployments",
                Query(f'sum({_OPERATOR}_namespace_Count{{{RESOURCE_NAMESPACE}, resourcetype="FlinkDeployment"}})'),
            )
        )
        .with_panel(
            panels.number(
                "FlinkSessionJobs",
                Query(
                    f'sum({_OPERATOR}_namespace_Count{{{RESOURCE_NAMESPACE}, resourcetype="FlinkSessionJob"}})'
                    " or vector(0)"
                ),
            )
        )
        .with_panel(
            panels.number(
                "Failed savepoints",
                Query(f"sum({_OPERATOR}_namespace_Savepoint_State_FAILED_Count{{{RESOURCE_NAMESPACE}}}) or vector(0)"),
                bad_from=1,
                meaning="Existing FlinkStateSnapshots.",
            )
        )
        .with_panel(
            panels.number(
                "Failed reconciliations in an hour",
                Query(
                    f"round(sum(increase({_RESOURCE}_Reconciliation_failed_Count{{{RESOURCE_NAMESPACE}}}[1h])))"
                    " or vector(0)"
                ),
                bad_from=1,
            )
        )
        .with_panel(
            panels.number("CPU load", Query(f"max({_OPERATOR}_Status_JVM_CPU_Load{matcher})"), unit="percentunit")
        )
        .with_row(panels.row("Reconciliation"))
        .with_panel(
            panels.graph(
                "Reconciliations",
                per_second("Reconciliation_Count", "begun"),
                per_second("Reconciliation_finished_Count", "finished"),
                per_second("Reconciliation_failed_Count", "failed"),
                per_second("Reconciliation_retries_Count", "retried"),
                unit="ops",
            )
        )
        .with_panel(
            panels.graph(
                "Duration of a reconciliation",
                Query(
                    # One metric per kind of write: nothing, the resource, its status, both.
                    f'max by (resourcetype) ({{__name__=~"{_OPERATOR}_namespace_JOSDK_reconcile_.+_TimeSeconds", '
                    f'{RESOURCE_NAMESPACE}, quantile="0.95"}})',
                    "{{resourcetype}}",
                ),
                unit="s",
                meaning="95th percentile, in whole seconds.",
            )
        )
        .with_panel(
            panels.graph(
                "Time between reconciliations of a resource",
                Query(reconcile_period(RESOURCE_NAMESPACE), "mean"),
                unit="s",
                meaning="kubernetes.operator.reconcile.interval, if the operator has enough CPU and threads.",
            )
        )
        .with_panel(
            panels.graph(
                "Reconciliations by resource",
                Query(
                    f"sum by (resourcens, resourcename) (rate({_RESOURCE}_Reconciliation_Count{{{RESOURCE_NAMESPACE}}}"
                    "[$__rate_interval]))",
                    "{{resourcens}}/{{resourcename}}",
                ),
                unit="ops",
            )
        )
        .with_panel(
            panels.graph(
                "Failed reconciliations by resource",
                Query(
                    f"sum by (resourcens, resourcename) (increase({_RESOURCE}_Reconciliation_failed_Count"
                    f"{{{RESOURCE_NAMESPACE}}}[$__rate_interval]))",
                    "{{resourcens}}/{{resourcename}}",
                ),
            )
        )
        .with_row(panels.row("Duration of job changes"))
        .with_panel(
            panels.graph(
                "Time from a change to stable",
                summary(
                    f"{_OPERATOR}_namespace_Lifecycle_Transition_Stabilization_TimeSeconds", "0.95", "{{resourcetype}}"
                ),
                unit="s",
                meaning="95th percentile.",
            )
        )
        .with_panel(
            panels.graph(
                "Upgrades",
                summary(f"{_OPERATOR}_namespace_Lifecycle_Transition_Upgrade_TimeSeconds", "0.95", "{{resourcetype}}"),
                unit="s",
            )
        )
        .with_row(panels.row("Kubernetes"))
        .with_panel(
            panels.graph(
                "Requests to the API server",
                Query(f"sum({_OPERATOR}_KubeClient_HttpRequest_NumPerSecond{matcher})", "all"),
                Query(f"sum({_OPERATOR}_KubeClient_HttpRequest_Failed_NumPerSecond{matcher})", "failed"),
                unit="reqps",
            )
        )
        .with_panel(
            panels.graph(
                "Response time",
                *(
                    Query(
                        f"max({_OPERATOR}_KubeClient_HttpResponse_TimeNanos"
                        f'{{{OPERATOR_TARGETS}, quantile="{quantile}"}})'
                        " / 1e9",
                        legend,
                    )
                    for quantile, legend in (("0.5", "half"), ("0.95", "95th percentile"))
                ),
                unit="s",
            )
        )
        .with_row(panels.row("Process"))
        .with_panel(
            panels.graph(
                "Heap",
                Query(
                    f"{_OPERATOR}_Status_JVM_Memory_Heap_Used{matcher}"
                    f" / {_OPERATOR}_Status_JVM_Memory_Heap_Max{matcher}",
                    "{{pod}}",
                ),
                share=True,
            )
        )
        .with_panel(
            panels.graph(
                "Garbage collection time",
                Query(f"{_OPERATOR}_Status_JVM_GarbageCollector_All_TimeMsPerSecond{matcher} / 1000", "{{pod}}"),
                share=True,
            )
        )
    )
