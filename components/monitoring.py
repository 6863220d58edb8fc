"""What the Prometheus stack, the program's own or one that is there, is told of the platform."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.alert_rules import alert_rules
from components.flink_operator import FlinkOperator
from components.grafana_dashboards import GrafanaDashboards
from components.namespace import JobNamespace
from components.pod_monitor import jobs_monitor, operator_monitor
from components.prometheus import Prometheus
from flink_k8s.resolve.declared_stack import DeclaredStack


def monitor_platform(
    platform: DeclaredStack,
    namespaces: Mapping[str, JobNamespace],
    operator: FlinkOperator | None,
    prometheus: Prometheus | None,
    opts: pulumi.ResourceOptions,
) -> None:
    """PodMonitors for the operator and for each namespace of jobs, alert rules and dashboards; as far as wanted.

    On another stack's platform they are that stack's.

    Args:
        platform: what the stack declares.
        namespaces: of jobs, by name.
        operator: None when the cluster has it.
        prometheus: brings the kinds of monitors and rules; None when the cluster has them.
        opts: provider.
    """
    settings = platform.settings.prometheus
    if not settings.monitors or platform.settings.platform is not None:
        return
    operator_monitor(platform.settings.operator.namespace, settings.labels, operator, prometheus, opts)
    for home in namespaces.values():
        jobs_monitor(home, settings.labels, prometheus, opts)
    # A Prometheus stack that was there takes rules and dashboards from any namespace; its own is none of ours.
    owner = prometheus or operator
    place = settings.namespace if prometheus else platform.settings.operator.namespace
    # A ConfigMap needs no kind that a chart brings: Grafana finds it when it comes.
    inside = [owner.namespace] if owner else []
    alert_rules(platform, place, [prometheus] if prometheus else inside, opts)
    if settings.dashboards:
        GrafanaDashboards(settings.flink_ui, place, inside, opts)
