"""PodMonitors: what Prometheus' operator scrapes."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.flink_operator import FlinkOperator
from components.prometheus import Prometheus
from settings.labels import labels


def pod_monitor(
    name: str,
    *,
    namespace: str,
    match_labels: Mapping[str, str],
    extra: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> CustomResource:
    """Scrapes the port `metrics` of pods.

    Args:
        name: of monitor and resource.
        namespace: of the monitor and of its pods.
        match_labels: of the pods.
        extra: labels that the cluster's Prometheus wants on its monitors.
        opts: must depend on what brings the kind PodMonitor, and on what makes the pods.
    """
    return CustomResource(
        name,
        api_version="monitoring.coreos.com/v1",
        kind="PodMonitor",
        metadata={"name": name, "namespace": namespace, "labels": {**labels(name), **extra}},
        spec={"selector": {"matchLabels": dict(match_labels)}, "podMetricsEndpoints": [{"port": "metrics"}]},
        opts=opts,
    )


def operator_monitor(
    namespace: str,
    extra: Mapping[str, str],
    operator: FlinkOperator | None,
    prometheus: Prometheus | None,
    opts: pulumi.ResourceOptions,
) -> CustomResource:
    """Scrapes the Flink operator.

    Args:
        namespace: of the operator.
        extra: labels that the cluster's Prometheus wants.
        operator: None when the cluster has it.
        prometheus: brings the kind PodMonitor; None when the cluster has it.
        opts: provider.
    """
    needed: list[pulumi.Resource] = [part for part in (operator, prometheus) if part is not None]
    return pod_monitor(
        "flink-kubernetes-operator",
        namespace=namespace,
        match_labels={"app.kubernetes.io/name": "flink-kubernetes-operator"},
        extra=extra,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)),
    )
