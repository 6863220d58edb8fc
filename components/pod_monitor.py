"""PodMonitors: what Prometheus' operator scrapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.flink_operator import FlinkOperator
from components.kubernetes_object import KubernetesObject
from components.namespace import JobNamespace
from components.prometheus import Prometheus
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.metrics import JOBS_MONITOR, OPERATOR_MONITOR


def pod_monitor(
    name: str,
    *,
    resource: str,
    namespace: str,
    selector: Mapping[str, Any],
    pod_labels: Sequence[str] = (),
    extra: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    """Scrapes the port `metrics` of pods.

    Args:
        name: of the monitor.
        resource: name of the resource in the stack.
        namespace: of the monitor and of its pods.
        selector: of the pods.
        pod_labels: labels of the pods that every series gets.
        extra: labels that the cluster's Prometheus wants on its monitors.
        opts: must depend on what brings the kind PodMonitor, and on what makes the pods.
    """
    spec: dict[str, Any] = {"selector": dict(selector), "podMetricsEndpoints": [{"port": "metrics"}]}
    if pod_labels:
        spec["podTargetLabels"] = list(pod_labels)
    return KubernetesObject(
        resource,
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": {"name": name, "namespace": namespace, "labels": {**labels(name), **extra}},
            "spec": spec,
        },
        opts,
    )


def operator_monitor(
    namespace: str,
    extra: Mapping[str, str],
    operator: FlinkOperator | None,
    prometheus: Prometheus | None,
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    """Scrapes the Flink operator.

    Args:
        namespace: of the operator.
        extra: labels that the cluster's Prometheus wants.
        operator: None when the cluster has it.
        prometheus: brings the kind PodMonitor; None when the cluster has it.
        opts: provider.
    """
    needed: list[pulumi.Resource] = [operator.namespace] if operator else []
    needed += [prometheus] if prometheus else []
    return pod_monitor(
        OPERATOR_MONITOR,
        resource=OPERATOR_MONITOR,
        namespace=namespace,
        selector={"matchLabels": {"app.kubernetes.io/name": "flink-kubernetes-operator"}},
        extra=extra,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)),
    )


def jobs_monitor(
    home: JobNamespace,
    extra: Mapping[str, str],
    prometheus: Prometheus | None,
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    """Scrapes every JobManager and TaskManager of a namespace: with a monitor a job, each would scrape all pods.

    Args:
        home: the namespace.
        extra: labels that the cluster's Prometheus wants.
        prometheus: brings the kind PodMonitor; None when the cluster has it.
        opts: provider.
    """
    needed: list[pulumi.Resource] = [*home.before, *([prometheus] if prometheus else [])]
    kinds = {
        "key": "type",
        "operator": "In",
        "values": ["flink-native-kubernetes", "flink-standalone-kubernetes"],
    }
    return pod_monitor(
        JOBS_MONITOR,
        resource=f"{home.name}-{JOBS_MONITOR}",
        namespace=home.name,
        selector={"matchExpressions": [kinds]},
        # A job's own name is in no metric as it is written: the reporter turns `my-job` into `my_job`.
        pod_labels=["app", "component"],
        extra=extra,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)),
    )
