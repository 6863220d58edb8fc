"""The alert rules, from a stack's thresholds. Each alert has a page in docs/runbooks and a test in tests/rules.

An alert about the state of a resource uses kube-state-metrics, which has the name of the resource (see
`kube_state_metrics.py`). In a cluster with an existing Prometheus stack, which does not export these metrics, the same
alert uses the operator's counts, and has no name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flink_k8s.config.monitoring import AlertName, Alerts
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.units import quantity, seconds
from flink_k8s.monitoring.metrics import (
    AUTOSCALER,
    INITIAL_STATE,
    JOB_TARGETS,
    OPERATOR_MONITOR,
    RESOURCE,
    SETTLING_STATES,
    STARTING_STATES,
    of_resources,
    reconcile_period,
)
from flink_k8s.resolve.internal_tls import KEYSTORE_FILE

Declared = Mapping[tuple[str, FlinkKind], int]
"""Number of declared resources, by namespace and kind."""

AlertLabels = Mapping[str, Mapping[str, str]]
"""Labels of the alerts about a namespace, by namespace of jobs; it contains all of them."""

_START_SECONDS = 300
"""Time after the start of a job in which failed checkpoints are ignored."""

_KINDS_WITH_COUNTS = (FlinkKind.DEPLOYMENT, FlinkKind.SESSION_JOB)
"""Kinds that the operator counts."""


@dataclass(frozen=True)
class Alert:
    """One alert rule.

    Attributes:
        name: of the alert, and of its runbook.
        severity: `critical` if a job or the operator does not run, `warning` if it may stop.
        expr: PromQL; each returned series is an alert.
        wait: time that the expression must hold.
        summary: one line, for a pager.
        description: meaning and consequences.
        labels: further labels.
    """

    name: AlertName
    severity: Literal["critical", "warning"]
    expr: str
    wait: str
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


def groups(
    settings: Alerts, operator_namespace: str, declared: Declared, alert_labels: AlertLabels
) -> list[dict[str, object]]:
    """The `groups` of a PrometheusRule, and of a rule file; empty if all alerts are disabled.

    Args:
        settings: thresholds.
        operator_namespace: namespace of the operator.
        declared: resources that must exist in the cluster.
        alert_labels: labels of the alerts about each namespace of jobs.
    """
    namespaces = [operator_namespace, *alert_labels]
    enabled = [
        alert for alert in alerts(settings, operator_namespace, declared, namespaces) if alert.name not in settings.off
    ]
    rules = [_rule(alert, settings, alert_labels) for alert in enabled]
    return [{"name": "flink", "rules": rules}] if rules else []


def _rule(alert: Alert, settings: Alerts, alert_labels: AlertLabels) -> dict[str, object]:
    own = alert_labels.get(alert.labels["namespace"], {}) if "namespace" in alert.labels else None
    labels = _labels_by_namespace(settings.labels, alert_labels) if own is None else {**settings.labels, **own}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.wait,
        "labels": {"severity": alert.severity, **alert.labels, **labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{settings.runbooks.rstrip('/')}/{alert.name}.md",
        },
    }


def _labels_by_namespace(common: Mapping[str, str], alert_labels: AlertLabels) -> dict[str, str]:
    """The labels of an alert whose namespace is known when it fires: a template, if namespaces have different values.

    Prometheus omits a label whose value is empty.
    """
    names = dict.fromkeys((*common, *(name for labels in alert_labels.values() for name in labels)))
    result: dict[str, str] = {}
    for name in names:
        namespaces: dict[str, list[str]] = {}
        for namespace, labels in alert_labels.items():
            if name in labels:
                namespaces.setdefault(labels[name], []).append(namespace)
        template = "".join(
            f"{{{{ {'else ' if index else ''}if eq $labels.namespace {' '.join(map(json.dumps, group))} }}}}"
            f"{{{{ {json.dumps(value)} }}}}"
            for index, (value, group) in enumerate(namespaces.items())
        )
        default = common.get(name, "")
        result[name] = f"{template}{{{{ else }}}}{default}{{{{ end }}}}" if template else default
    return result


def alerts(settings: Alerts, operator_namespace: str, declared: Declared, namespaces: Sequence[str]) -> Iterator[Alert]:
    """Every alert; see `groups`.

    Args:
        settings: thresholds.
        operator_namespace: namespace of the operator.
        declared: resources that must exist in the cluster.
        namespaces: of the operator and of jobs.
    """
    yield from _resource_alerts(settings)
    yield from _missing_alerts(settings, operator_namespace, declared)
    yield from _running_job_alerts(settings)
    yield from _snapshot_alerts(settings)
    yield from _process_alerts(settings)
    yield from _certificate_alerts(settings, namespaces)
    yield from _autoscaler_alerts(settings)
    yield from _operator_alerts(settings, operator_namespace)


_RESOURCE = (
    "{{ with $labels.kind }}{{ . }}{{ else }}Job{{ end }} {{ $labels.namespace }}"
    "{{ with $labels.name }}/{{ . }}{{ end }}{{ with $labels.app }}/{{ . }}{{ end }}"
)
_JOB = "{{ $labels.namespace }}/{{ $labels.app }}"


def _resource_alerts(settings: Alerts) -> Iterator[Alert]:
    names = "namespace, kind, name"
    unless_shown = f"unless on (namespace, kind) max by (namespace, kind) ({RESOURCE}_lifecycle_state)"
    failed = of_resources("flink_k8soperator_namespace_Lifecycle_State_FAILED_Count")
    yield Alert(
        "FlinkJobFailed",
        "critical",
        f'max by ({names}) ({RESOURCE}_lifecycle_state{{state="FAILED"}}) > 0\n'
        f'or max by ({names}) ({RESOURCE}_job_state{{kind="FlinkBlueGreenDeployment", state=~"FAILING|FAILED"}}) > 0\n'
        f"or ({failed} > 0 {unless_shown})",
        settings.failed_for,
        f"{_RESOURCE} has failed",
        "The operator has given up on the job: it does not run, and is not restarted automatically.",
    )
    states = "|".join(SETTLING_STATES)
    # The operator never processes a job that is suspended from the start.
    unless_suspended = f'unless on ({names}) max by ({names}) ({RESOURCE}_declared_state{{state="suspended"}}) > 0'
    settling = of_resources(f'{{__name__=~"flink_k8soperator_namespace_Lifecycle_State_({states})_Count"}}')
    yield Alert(
        "FlinkJobNotStable",
        "warning",
        f'max by ({names}) ({RESOURCE}_lifecycle_state{{state=~"{states}"}}) > 0\n'
        f'or (max by ({names}) ({RESOURCE}_lifecycle_state{{state="{INITIAL_STATE}"}}) > 0 {unless_suspended})\n'
        f'or (max by ({names}) ({RESOURCE}_job_state{{state=~"{"|".join(STARTING_STATES)}"}}) > 0'
        # The state of a suspended job can remain in the status until the job is resumed.
        f' unless on ({names}) max by ({names}) ({RESOURCE}_lifecycle_state{{state="SUSPENDED"}}) > 0)\n'
        f'or (max by ({names}) ({RESOURCE}_blue_green_state{{state!~"ACTIVE_.*"}}) > 0 {unless_suspended})\n'
        f"or ({settling} > 0 {unless_shown})\n"
        f"or (max by (namespace, app) (flink_jobmanager_job_runningState) == 0"
        f" unless on (namespace) max by (namespace) ({RESOURCE}_job_state))",
        settings.not_stable_for,
        f"{_RESOURCE} is not stable",
        f"It has been deploying, upgrading, rolling back or restarting for {settings.not_stable_for}.",
    )


def _missing_alerts(settings: Alerts, operator_namespace: str, declared: Declared) -> Iterator[Alert]:
    operator = f'on () (max(up{{job="{operator_namespace}/{OPERATOR_MONITOR}"}}) == 1)'
    for (namespace, kind), count in sorted(declared.items()):
        if kind in _KINDS_WITH_COUNTS:
            counted = f'flink_k8soperator_namespace_Count{{resourcens="{namespace}", resourcetype="{kind}"}}'
            yield Alert(
                "FlinkJobMissing",
                "critical",
                # The operator exports no count for a namespace that never contained a resource.
                f"(sum({counted}) or vector(0)) < {count}\nand {operator}",
                settings.missing_for,
                f"Namespace {namespace} has {{{{ $value }}}} of {count} declared resources of kind {kind}",
                "A job was deleted by other means than the stack, or the API server rejected its creation.",
                {"namespace": namespace, "kind": kind},
            )


def _running_job_alerts(settings: Alerts) -> Iterator[Alert]:
    job = "namespace, app, job_name"

    def increase(metric: str, within: str) -> str:
        # PromQL extrapolates between two scrapes: 3 can result in 3.04 or 2.97.
        return f"round(max by ({job}) (increase({metric}[{within}])))"

    yield Alert(
        "FlinkJobRestarts",
        "warning",
        f"{increase('flink_jobmanager_job_numRestarts', settings.restarts_within)} >= {settings.restarts}",
        "0s",
        f"Job {_JOB} has restarted {{{{ $value }}}} times in {settings.restarts_within}",
        "Each restart goes back to the last checkpoint: results are late. When the restart strategy is exhausted, the"
        " job fails.",
    )
    failed = increase("flink_jobmanager_job_numberOfFailedCheckpoints", settings.failed_checkpoints_within)
    yield Alert(
        "FlinkCheckpointsFailing",
        "warning",
        # After a start, checkpoints fail until every task runs: ignore a job that has run for a shorter time.
        f"{failed} >= {settings.failed_checkpoints}\n"
        f"and on ({job}) max by ({job}) (flink_jobmanager_job_runningTime)"
        f" > {(seconds(settings.failed_checkpoints_within) + _START_SECONDS) * 1000}",
        "0s",
        f"{{{{ $value }}}} checkpoints of job {_JOB} have failed in {settings.failed_checkpoints_within}",
        "After a failure, the job starts again from an older checkpoint and processes more data again.",
    )
    completed = "flink_jobmanager_job_numberOfCompletedCheckpoints"
    age = settings.checkpoint_age
    yield Alert(
        "FlinkCheckpointStale",
        "critical",
        # Ignore a job that did not exist at the beginning of the window.
        f"max by ({job}) (increase({completed}[{age}])) == 0\n"
        f"and on ({job}) max by ({job}) ({completed} offset {age}) >= 0\n"
        # Ignore a deleted or suspended job, whose series show no increase.
        f"and on ({job}) max by ({job}) ({completed}) >= 0",
        "0s",
        f"Job {_JOB} has completed no checkpoint for {age}",
        "After a failure or an upgrade from its last state, the job processes everything since then again.",
    )
    size = f"max by ({job}) (flink_jobmanager_job_lastCheckpointFullSize)"
    yield Alert(
        "FlinkCheckpointGrows",
        "warning",
        f"{size} / max by ({job}) (flink_jobmanager_job_lastCheckpointFullSize"
        f" offset {settings.checkpoint_growth_within}) >= {settings.checkpoint_growth:g}\n"
        f"and {size} >= {float(quantity(settings.checkpoint_growth_from)):.0f}",
        "0s",
        f"The checkpoints of job {_JOB} have grown to {{{{ $value | humanize }}}} times their size"
        f" in {settings.checkpoint_growth_within}",
        "State that grows without limit makes checkpoints and restarts slow, and fills memory or disks.",
    )
    yield Alert(
        "FlinkBackPressure",
        "warning",
        f"max by ({job}, task_name) (avg_over_time(flink_taskmanager_job_task_backPressuredTimeMsPerSecond[5m])) / 1000"
        f" > {settings.back_pressure}",
        settings.back_pressure_for,
        f"Task {{{{ $labels.task_name }}}} of job {_JOB} is {{{{ $value | humanizePercentage }}}} back-pressured",
        "A downstream task is slower than its input: the lag of the job grows, and its checkpoints take longer.",
    )
    lag = f"sum by ({job}) (flink_taskmanager_job_task_operator_pendingRecords)"
    yield Alert(
        "FlinkSourceLag",
        "warning",
        f"deriv(({lag})[{settings.source_lag_for}:1m]) > 0\nand {lag} >= {settings.source_lag}",
        settings.source_lag_for,
        f"The lag of job {_JOB} grows by {{{{ $value | humanize }}}} records per second",
        "The job reads more slowly than records arrive: results become later and later, and records that the source"
        " does not keep long enough are lost.",
    )


def _snapshot_alerts(settings: Alerts) -> Iterator[Alert]:
    if settings.savepoint_age is None:
        return
    # The operator records a savepoint in the status of the job, or creates a FlinkStateSnapshot for it.
    in_status = f"max by (namespace, name) ({RESOURCE}_last_savepoint_timestamp_milliseconds) / 1000"
    completed = f'max by (namespace, name) ({RESOURCE}_snapshot_state{{state="COMPLETED"}}) > 0'
    in_snapshots = (
        f"max by (namespace, job) ({RESOURCE}_snapshot_result_timestamp_seconds and on (namespace, name) {completed})"
    )
    in_snapshots = f'label_replace({in_snapshots}, "name", "$1", "job", "(.*)")'
    newest = f'max by (namespace, name) (label_replace({in_status}, "found", "status", "", "") or {in_snapshots})'
    suspended = f'max by (namespace, name) ({RESOURCE}_declared_state{{state="suspended"}}) > 0'
    yield Alert(
        "FlinkSavepointOld",
        "warning",
        f"time() - {newest} > {seconds(settings.savepoint_age)}\nunless on (namespace, name) {suspended}",
        "0s",
        "The last savepoint of {{ $labels.namespace }}/{{ $labels.name }} is {{ $value | humanizeDuration }} old",
        "A restore goes back to this savepoint, or depends on checkpoints.",
    )


def _process_alerts(settings: Alerts) -> Iterator[Alert]:
    heap = "flink_{process}_Status_JVM_Memory_Heap_Used / flink_{process}_Status_JVM_Memory_Heap_Max > {share}"
    yield Alert(
        "FlinkHeapFull",
        "warning",
        "\nor ".join(heap.format(process=process, share=settings.heap) for process in ("jobmanager", "taskmanager")),
        settings.heap_for,
        "Pod {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its heap",
        "Garbage collection takes most of its time, and it will run out of memory.",
    )
    container = 'container="flink-main-container"'
    # Resident memory: the page cache can be freed, and fills a container of RocksDB to its limit.
    resident = f"max by (namespace, pod) (container_memory_rss{{{container}}})"
    limit = f'max by (namespace, pod) (kube_pod_container_resource_limits{{resource="memory", {container}}})'
    yield Alert(
        "FlinkMemoryNearLimit",
        "warning",
        f"{resident} / {limit} > {settings.memory}",
        settings.memory_for,
        "Pod {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory limit",
        "The kernel kills the process when it reaches the limit.",
    )
    killed = f'reason="OOMKilled", {container}'
    restarted = (
        f"increase(kube_pod_container_status_restarts_total{{{container}}}[{settings.out_of_memory_within}]) > 0"
    )
    yield Alert(
        "FlinkOutOfMemory",
        "warning",
        # A TaskManager's pod ends with its container. A JobManager's container is restarted in its pod.
        f"max by (namespace, pod) (max_over_time(kube_pod_container_status_terminated_reason{{{killed}}}"
        f"[{settings.out_of_memory_within}])) > 0\n"
        f"or max by (namespace, pod) (kube_pod_container_status_last_terminated_reason{{{killed}}}"
        f" and on (namespace, pod, container) {restarted}) > 0",
        "0s",
        "Pod {{ $labels.namespace }}/{{ $labels.pod }} was killed because it exceeded its memory limit",
        "The job restarts from its last checkpoint, and again after each such kill.",
    )
    started = f"max by (namespace, pod) (kube_pod_container_state_started{{{container}}})"
    app = f"group_left (app) group by (namespace, pod, app) (up{{{JOB_TARGETS}}})"
    tls_resources = f'max by (namespace, name) ({RESOURCE}_internal_tls_info{{keystore="{KEYSTORE_FILE}"}})'
    yield Alert(
        "FlinkInternalCertificateOld",
        "warning",
        f"max by (namespace, app) ((time() - {started}) * on (namespace, pod) {app})"
        f" > {seconds(settings.certificate_age)}\n"
        f'and on (namespace, app) label_replace({tls_resources}, "app", "$1", "name", "(.*)")',
        "0s",
        f"A process of {_JOB} has had its certificate for {{{{ $value | humanizeDuration }}}}",
        "Flink reads its certificate when a process starts. After the certificate has expired, new processes cannot"
        " connect to running ones, and the first failure of a pod stops the job.",
    )
    ready = of_resources("flink_k8soperator_namespace_JmDeploymentStatus_READY_Count", "namespace")
    registered = "max by (namespace, app) (flink_jobmanager_numRegisteredTaskManagers)"

    def scraped(component: str, by: str) -> str:
        return f'count by ({by}) (up{{{JOB_TARGETS}, component="{component}"}} == 1)'

    yield Alert(
        "FlinkTargetsMissing",
        "warning",
        f"{ready} > on (namespace) ({scraped('jobmanager', 'namespace')} or 0 * {ready})\n"
        f"or {registered} > on (namespace, app) ({scraped('taskmanager', 'namespace, app')} or 0 * {registered})",
        settings.targets_missing_for,
        "Prometheus does not scrape all pods of {{ $labels.namespace }}{{ with $labels.app }}/{{ . }}{{ end }}",
        "{{ $value }} pods run, and fewer are scraped. The others trigger no alert.",
    )


def _certificate_alerts(settings: Alerts, namespaces: Sequence[str]) -> Iterator[Alert]:
    of_stack = f'namespace=~"{"|".join(namespaces)}"'
    yield Alert(
        "FlinkCertificateNotRenewed",
        "warning",
        # The metric is 0 if no renewal is planned.
        f"time() - max by (namespace, name) (certmanager_certificate_renewal_timestamp_seconds{{{of_stack}}} > 0)"
        f" > {seconds(settings.certificate_overdue)}",
        "0s",
        "The renewal of Certificate {{ $labels.namespace }}/{{ $labels.name }} is {{ $value | humanizeDuration }} late",
        "When it expires, the operator's webhook rejects all changes, or processes with internal TLS cannot connect.",
    )


def _autoscaler_alerts(settings: Alerts) -> Iterator[Alert]:
    def labelled(metric: str) -> str:
        """A metric of the autoscaler, with the labels of the resource instead of those of the operator."""
        for label, source in (("namespace", "resourcens"), ("kind", "resourcetype"), ("name", "resourcename")):
            metric = f'label_replace({metric}, "{label}", "$1", "{source}", "(.*)")'
        return metric

    def of_vertex(metric: str) -> str:
        by = "namespace, kind, name, jobVertexID"
        return f"max by ({by}) ({labelled(f'{AUTOSCALER}_jobVertexID_{metric}')})"

    parallelism, recommended = of_vertex("PARALLELISM_Current"), of_vertex("RECOMMENDED_PARALLELISM_Current")
    resource = "namespace, kind, name"
    errors = labelled(f"increase({AUTOSCALER}_errors[{settings.autoscaler_blocked_for}])")
    yield Alert(
        "FlinkAutoscalerBlocked",
        "warning",
        f"count by ({resource}) ({recommended} > {parallelism}) > 0\nor round(max by ({resource}) ({errors})) > 1",
        settings.autoscaler_blocked_for,
        f"The autoscaler does not scale up {_RESOURCE}",
        "It recommends a larger parallelism and does not apply it, or it fails: the lag of the job grows.",
    )
    capacity, demand = of_vertex("TRUE_PROCESSING_RATE_Average"), of_vertex("SCALE_UP_RATE_THRESHOLD_Current")
    yield Alert(
        "FlinkAutoscalerLimit",
        "warning",
        f"count by ({resource}) (({capacity} < {demand}) and ({recommended} == {parallelism})) > 0",
        settings.autoscaler_limit_for,
        f"{_RESOURCE} is too slow for its input, and the autoscaler has reached its limit",
        "{{ $value }} vertices process fewer records than arrive: the lag of the job grows.",
    )
    within = settings.autoscaler_scalings_within
    scalings = f"max by ({resource}) ({labelled(f'increase({AUTOSCALER}_scalings[{within}])')})"
    yield Alert(
        "FlinkAutoscalerFlaps",
        "warning",
        f"round({scalings}) >= {settings.autoscaler_scalings}",
        "0s",
        f"The autoscaler has scaled {_RESOURCE} {{{{ $value }}}} times in {within}",
        "Each scaling stops the job for a moment, and makes it process records since the last checkpoint again.",
    )


def _operator_alerts(settings: Alerts, namespace: str) -> Iterator[Alert]:
    yield Alert(
        "FlinkOperatorAbsent",
        "critical",
        f'absent(up{{job="{namespace}/{OPERATOR_MONITOR}"}} == 1)',
        settings.operator_absent_for,
        f"The Flink operator in {namespace} does not respond to Prometheus",
        "Jobs keep running, but none is started, upgraded or restarted. Alerts on states of resources do not fire.",
        {"namespace": namespace},
    )
    failed = "flink_k8soperator_namespace_resource_JOSDK_Reconciliation_failed_Count"
    within = settings.reconcile_errors_within
    labelled = f'label_replace(increase({failed}[{within}]), "namespace", "$1", "resourcens", "(.*)")'
    labelled = f'label_replace({labelled}, "kind", "$1", "resourcetype", "(.*)")'
    labelled = f'label_replace({labelled}, "name", "$1", "resourcename", "(.*)")'
    yield Alert(
        "FlinkReconcileErrors",
        "warning",
        f"round(sum by (namespace, kind, name) ({labelled})) >= {settings.reconcile_errors}",
        "0s",
        f"The operator has failed {{{{ $value }}}} times to reconcile {_RESOURCE}",
        f"Within {within}. The change of the resource is not deployed.",
    )
    yield Alert(
        "FlinkReconcileLag",
        "warning",
        f"round({reconcile_period()}) > {seconds(settings.reconcile_lag):g}",
        settings.reconcile_lag_for,
        "The operator in {{ $labels.namespace }} reconciles a resource only every {{ $value | humanizeDuration }}",
        "It has more resources than it can reconcile in time: changes, failures and savepoints are noticed late.",
    )
