"""The dashboard of one job: throughput, back pressure, checkpoints, restarts, heap and lag."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from flink_k8s.monitoring import panels
from flink_k8s.monitoring.metrics import AUTOSCALER, JOB_TARGETS
from flink_k8s.monitoring.panels import JOB, RESOURCE_NAMESPACE, Query

UID = "flink-job"


def build() -> Dashboard:
    """Build the dashboard."""
    task = "flink_taskmanager_job_task_"

    def by_task(metric: str, how: str = "sum") -> Query:
        return Query(f"{how} by (task_name) ({task}{metric}{{{JOB}}})", "{{task_name}}")

    def of_job(metric: str) -> Query:
        return Query(f"max(flink_jobmanager_job_{metric}{{{JOB}}})", metric)

    def share_of_time(metric: str) -> Query:
        return Query(f"max by (task_name) ({task}{metric}{{{JOB}}}) / 1000", "{{task_name}}")

    resource = f'{RESOURCE_NAMESPACE}, resourcename=~"$job"'

    def scaling(metric: str, legend: str) -> Query:
        """A metric of the autoscaler by vertex, with the name of the vertex from the metrics of its tasks."""
        of_vertex = f"max by (jobVertexID) ({AUTOSCALER}_jobVertexID_{metric}{{{resource}}})"
        names = f"group by (task_id, task_name) ({task}numRecordsIn{{{JOB}}})"
        return Query(
            f'label_replace({of_vertex}, "task_id", "$1", "jobVertexID", "(.*)")'
            f" * on (task_id) group_left (task_name) {names}",
            f"{{{{task_name}}}} {legend}".strip(),
        )

    def scalings(metric: str) -> Query:
        return Query(f"round(max(increase({AUTOSCALER}_{metric}{{{resource}}}[$__rate_interval])))", metric)

    return (
        panels.new(UID, "Flink: job", "One job: throughput, back pressure, checkpoints, restarts, heap and lag.")
        .link(panels.flink_ui())
        .link(panels.logs())
        .with_variable(panels.choice("namespace", "Namespace", f"up{{{JOB_TARGETS}}}", "namespace", several=False))
        .with_variable(
            panels.choice("job", "Job", f'up{{{JOB_TARGETS}, namespace=~"$namespace"}}', "app", several=False)
        )
        .with_row(panels.row("Status"))
        .with_panel(
            panels.number("Runs", Query(f"max(flink_jobmanager_job_runningState{{{JOB}}})"), meaning="1: yes, 0: no.")
        )
        .with_panel(
            panels.number("Time since a restart", Query(f"max(flink_jobmanager_job_runningTime{{{JOB}}})"), unit="ms")
        )
        .with_panel(panels.number("Restarts", Query(f"max(flink_jobmanager_job_numRestarts{{{JOB}}})"), bad_from=1))
        .with_panel(panels.number("TaskManagers", Query(f"max(flink_jobmanager_numRegisteredTaskManagers{{{JOB}}})")))
        .with_panel(panels.number("Free slots", Query(f"max(flink_jobmanager_taskSlotsAvailable{{{JOB}}})")))
        .with_panel(
            panels.number(
                "Age of the last checkpoint",
                Query(f"time() - max(flink_jobmanager_job_lastCheckpointCompletedTimestamp{{{JOB}}} > 0) / 1000"),
                unit="s",
                meaning="Empty for a job without checkpoints.",
            )
        )
        .with_row(panels.row("Throughput"))
        .with_panel(panels.graph("Records in", by_task("numRecordsInPerSecond"), unit="reqps"))
        .with_panel(panels.graph("Records out", by_task("numRecordsOutPerSecond"), unit="reqps"))
        .with_panel(panels.graph("Bytes in", by_task("numBytesInPerSecond"), unit="Bps"))
        .with_panel(panels.graph("Bytes out", by_task("numBytesOutPerSecond"), unit="Bps"))
        .with_panel(
            panels.graph(
                "Records that sources have not read yet",
                Query(
                    f"sum by (operator_name) (flink_taskmanager_job_task_operator_pendingRecords{{{JOB}}})",
                    "{{operator_name}}",
                ),
                meaning="Lag. Only some sources report it, for example Kafka and Kinesis.",
            )
        )
        .with_panel(
            panels.graph(
                "Watermark lag",
                Query(
                    f"time() - max by (task_name) ({task}currentInputWatermark{{{JOB}}} > 0) / 1000",
                    "{{task_name}}",
                ),
                unit="s",
                meaning="Empty for a job without event time.",
            )
        )
        .with_row(panels.row("Back pressure"))
        .with_panel(
            panels.graph(
                "Busy",
                share_of_time("busyTimeMsPerSecond"),
                share=True,
                width=8,
                meaning="The busiest subtask of each task.",
            )
        )
        .with_panel(
            panels.graph(
                "Back-pressured",
                share_of_time("backPressuredTimeMsPerSecond"),
                share=True,
                width=8,
                meaning="The task after the last back-pressured task is the slow one.",
            )
        )
        .with_panel(panels.graph("Idle", share_of_time("idleTimeMsPerSecond"), share=True, width=8))
        .with_row(panels.row("Checkpoints and restarts"))
        .with_panel(
            panels.graph(
                "Checkpoints",
                of_job("numberOfCompletedCheckpoints"),
                of_job("numberOfFailedCheckpoints"),
                of_job("numberOfInProgressCheckpoints"),
            )
        )
        .with_panel(panels.graph("Duration of the last checkpoint", of_job("lastCheckpointDuration"), unit="ms"))
        .with_panel(
            panels.graph(
                "Size of the last checkpoint",
                of_job("lastCheckpointSize"),
                of_job("lastCheckpointFullSize"),
                unit="bytes",
                meaning="Bytes written by this checkpoint, and its full size.",
            )
        )
        .with_panel(
            panels.graph(
                "Restarts over time",
                Query(f"round(max(increase(flink_jobmanager_job_numRestarts{{{JOB}}}[$__rate_interval])))", "restarts"),
            )
        )
        .with_panel(
            panels.graph(
                "Alignment time",
                Query(f"max by (task_name) ({task}checkpointAlignmentTime{{{JOB}}}) / 1e9", "{{task_name}}"),
                unit="s",
                meaning="Time that the barriers of a checkpoint wait for each other.",
            )
        )
        .with_row(panels.row("Autoscaler"))
        .with_panel(
            panels.graph(
                "Parallelism",
                scaling("PARALLELISM_Current", ""),
                scaling("RECOMMENDED_PARALLELISM_Current", "recommended"),
                meaning="By vertex of the job graph. Empty for a job without autoscaling.",
            )
        )
        .with_panel(
            panels.graph(
                "Load",
                scaling("LOAD_Average", ""),
                share=True,
                meaning="Average of the window in which the autoscaler collects metrics.",
            )
        )
        .with_panel(
            panels.graph(
                "Records that each vertex can process, and must process",
                scaling("TRUE_PROCESSING_RATE_Average", "can"),
                scaling("TARGET_DATA_RATE_Average", "must"),
                scaling("SCALE_UP_RATE_THRESHOLD_Current", "scales up below"),
                unit="reqps",
                meaning="The autoscaler adds subtasks if a vertex can process fewer records than the threshold.",
            )
        )
        .with_panel(
            panels.graph(
                "Scalings",
                scalings("scalings"),
                scalings("errors"),
                meaning="Changes of the parallelism, and errors of the autoscaler.",
            )
        )
        .with_row(panels.row("Processes"))
        .with_panel(
            panels.graph(
                "Heap",
                *panels.heap(),
                share=True,
            )
        )
        .with_panel(
            panels.graph(
                "CPU load",
                *panels.cpu_load(),
                share=True,
            )
        )
    )
