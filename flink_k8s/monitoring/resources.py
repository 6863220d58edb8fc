"""The dashboard of CPU and memory: nodes, pods of jobs, and JVMs."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from flink_k8s.monitoring import panels
from flink_k8s.monitoring.metrics import JOB_TARGETS
from flink_k8s.monitoring.panels import JOB, Query

UID = "flink-resources"

_CONTAINER = 'container="flink-main-container", namespace=~"$namespace"'
_OF_JOB = (
    "* on (namespace, pod) group_left (app, component) "
    f"group by (namespace, pod, app, component) (up{{{JOB_TARGETS}, {JOB}}})"
)
"""Joins a container's metric with the job, which is only a label of the pod's own metrics."""


def build() -> Dashboard:
    """Build the dashboard."""
    cpu = f"rate(container_cpu_usage_seconds_total{{{_CONTAINER}}}[$__rate_interval])"
    memory = f"container_memory_working_set_bytes{{{_CONTAINER}}}"
    return (
        panels.new(UID, "Flink: CPU and memory", "CPU and memory of nodes, jobs and pods.")
        .with_variable(panels.choice("namespace", "Namespace", f"up{{{JOB_TARGETS}}}", "namespace", several=True))
        .with_variable(
            panels.choice("job", "Job", f'up{{{JOB_TARGETS}, namespace=~"$namespace"}}', "app", several=True)
        )
        .with_row(panels.row("Cluster"))
        .with_panel(
            panels.graph(
                "CPU of the nodes",
                Query(
                    '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
                    "{{instance}}",
                ),
                share=True,
            )
        )
        .with_panel(
            panels.graph(
                "Memory of the nodes",
                Query("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"),
                share=True,
            )
        )
        .with_panel(
            panels.graph(
                "CPU by namespace",
                Query(
                    'sum by (namespace) (rate(container_cpu_usage_seconds_total{container!="", namespace!=""}'
                    "[$__rate_interval]))",
                    "{{namespace}}",
                ),
                stacked=True,
                meaning="CPUs of all pods in the cluster.",
            )
        )
        .with_panel(
            panels.graph(
                "Memory by namespace",
                Query(
                    'sum by (namespace) (container_memory_working_set_bytes{container!="", namespace!=""})',
                    "{{namespace}}",
                ),
                unit="bytes",
                stacked=True,
            )
        )
        .with_row(panels.row("Jobs"))
        .with_panel(
            panels.graph(
                "CPU by job",
                Query(f"sum by (namespace, app) ({cpu} {_OF_JOB})", "{{namespace}}/{{app}}"),
                meaning="CPUs of JobManager and TaskManagers.",
            )
        )
        .with_panel(
            panels.graph(
                "Memory by job",
                Query(f"sum by (namespace, app) ({memory} {_OF_JOB})", "{{namespace}}/{{app}}"),
                unit="bytes",
            )
        )
        .with_panel(
            panels.graph(
                "CPU by pod, share of the request",
                Query(
                    f"sum by (namespace, pod) ({cpu} {_OF_JOB}) / on (namespace, pod) "
                    f'sum by (namespace, pod) (kube_pod_container_resource_requests{{{_CONTAINER}, resource="cpu"}})',
                    "{{pod}}",
                ),
                unit="percentunit",
                meaning="Above 100 %, the pod uses idle CPUs of the node.",
            )
        )
        .with_panel(
            panels.graph(
                "Memory by pod, share of the limit",
                Query(
                    f"sum by (namespace, pod) ({memory} {_OF_JOB}) / on (namespace, pod) "
                    f'sum by (namespace, pod) (kube_pod_container_resource_limits{{{_CONTAINER}, resource="memory"}})',
                    "{{pod}}",
                ),
                unit="percentunit",
                meaning="At 100 %, the kernel kills the process.",
            )
        )
        .with_row(panels.row("JVMs"))
        .with_panel(
            panels.graph(
                "CPU load",
                *panels.cpu_load(),
                share=True,
                meaning="Share of the node's CPUs.",
            )
        )
        .with_panel(
            panels.graph(
                "Heap",
                *panels.heap(),
                share=True,
                meaning="Share of the maximum.",
            )
        )
        .with_panel(
            panels.graph(
                "Memory outside of the heap",
                *(
                    Query(f"flink_{process}_Status_JVM_Memory_{part}{{{JOB}}}", f"{{{{pod}}}} {name}")
                    for process in panels.PROCESSES
                    for part, name in (("NonHeap_Used", "non-heap"), ("Direct_MemoryUsed", "direct"))
                ),
                unit="bytes",
            )
        )
        .with_panel(
            panels.graph(
                "Managed memory of TaskManagers",
                Query(
                    f"flink_taskmanager_Status_Flink_Memory_Managed_Used{{{JOB}}}"
                    f" / flink_taskmanager_Status_Flink_Memory_Managed_Total{{{JOB}}}",
                    "{{pod}}",
                ),
                share=True,
                meaning="Flink reserves it for RocksDB, sorting and Python.",
            )
        )
        .with_panel(
            panels.graph(
                "Garbage collection time",
                *(
                    Query(f"flink_{process}_Status_JVM_GarbageCollector_All_TimeMsPerSecond{{{JOB}}} / 1000", "{{pod}}")
                    for process in panels.PROCESSES
                ),
                share=True,
            )
        )
        .with_panel(
            panels.graph(
                "Threads",
                *(
                    Query(f"flink_{process}_Status_JVM_Threads_Count{{{JOB}}}", "{{pod}}")
                    for process in panels.PROCESSES
                ),
            )
        )
    )
