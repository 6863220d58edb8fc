"""Monitoring of the platform: PodMonitors, alert rules, dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from flink_k8s.components.alert_rules import AlertRules, AlertRulesArgs
from flink_k8s.components.cert_manager import CertManager
from flink_k8s.components.component import Component
from flink_k8s.components.flink_operator import FlinkOperator
from flink_k8s.components.grafana_dashboards import GrafanaDashboards, GrafanaDashboardsArgs
from flink_k8s.components.namespace import JobNamespace
from flink_k8s.components.options import child_of
from flink_k8s.components.pod_monitor import FlinkPodMonitor, FlinkPodMonitorArgs
from flink_k8s.components.prometheus import Prometheus
from flink_k8s.config.monitoring import PrometheusSettings
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.monitoring.alerts import AlertLabels, Declared
from flink_k8s.monitoring.metrics import ALERT_RULES, CERTIFICATES_MONITOR


@dataclass(frozen=True)
class MonitoringArgs:
    """Arguments of `Monitoring`.

    Attributes:
        settings: labels that the cluster's Prometheus selects by, alerts, dashboards.
        operator_namespace: namespace of the operator.
        operator: None if the cluster has it already.
        prometheus: installs the kinds of monitors and rules; None if the cluster has them already.
        namespaces: of jobs.
        declared: number of declared resources by namespace and kind.
        cert_manager: None if the cluster has it already.
        alert_labels: labels of the alerts about each namespace of jobs.
        logs: address of a job's logs in links of the dashboards; None for no such link.
    """

    settings: PrometheusSettings = field(default_factory=PrometheusSettings)
    operator_namespace: str = "flink-operator"
    operator: FlinkOperator | None = None
    prometheus: Prometheus | None = None
    namespaces: Sequence[JobNamespace] = ()
    declared: Declared = field(default_factory=dict[tuple[str, FlinkKind], int])
    cert_manager: CertManager | None = None
    alert_labels: AlertLabels = field(default_factory=dict[str, Mapping[str, str]])
    logs: str | None = None


class Monitoring(Component):
    """PodMonitors for the operator and each namespace of jobs, alert rules, and dashboards."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        settings, operator, prometheus = args.settings, args.operator, args.prometheus
        # A Prometheus stack that exists already reads rules and dashboards of any namespace; the platform does not own
        # the namespace of that stack.
        owner = prometheus or operator
        namespace_of_rules = settings.namespace if prometheus else args.operator_namespace
        super().__init__("flink-k8s:index:Monitoring", name, {"namespace": namespace_of_rules}, opts)
        installing: list[pulumi.Resource] = [prometheus] if prometheus else []
        inside: list[pulumi.Resource] = [owner.namespace] if owner else []
        FlinkPodMonitor(
            "flink-kubernetes-operator",
            FlinkPodMonitorArgs.of_operator(args.operator_namespace, settings.labels),
            child_of(self, [*([operator.namespace] if operator else []), *installing]),
        )
        for namespace in args.namespaces:
            FlinkPodMonitor(
                f"{namespace.namespace}-flink-jobs",
                FlinkPodMonitorArgs.of_jobs(namespace.namespace, settings.labels),
                child_of(self, [*namespace.created, *installing]),
            )
        if args.cert_manager is not None:
            FlinkPodMonitor(
                CERTIFICATES_MONITOR,
                FlinkPodMonitorArgs.of_cert_manager(args.cert_manager.namespace, settings.labels),
                child_of(self, [args.cert_manager, *installing]),
            )
        if settings.alerts.enabled:
            AlertRules(
                ALERT_RULES,
                AlertRulesArgs(
                    namespace_of_rules,
                    args.operator_namespace,
                    args.declared,
                    settings.alerts,
                    settings.labels,
                    args.alert_labels,
                ),
                child_of(self, installing or inside),
            )
        if settings.dashboards:
            GrafanaDashboards(
                "grafana-dashboards",
                GrafanaDashboardsArgs(namespace_of_rules, settings.flink_ui, args.logs),
                # A ConfigMap needs no CRD of a chart: Grafana loads it when it starts.
                child_of(self, inside, was_at_root=True),
            )
        self.register_outputs({"namespace": namespace_of_rules})
