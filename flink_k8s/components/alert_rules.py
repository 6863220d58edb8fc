"""The stack's alert rules, as a PrometheusRule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import Component
from flink_k8s.components.options import child_of
from flink_k8s.config.monitoring import Alerts
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.alerts import AlertLabels, Declared, groups


@dataclass(frozen=True)
class AlertRulesArgs:
    """Arguments of `AlertRules`.

    Attributes:
        namespace: of the PrometheusRule.
        operator_namespace: namespace of the operator.
        declared: number of declared resources by namespace and kind.
        alerts: thresholds.
        labels: that the cluster's Prometheus selects rules by.
        alert_labels: labels of the alerts about each namespace of jobs.
    """

    namespace: str
    operator_namespace: str
    declared: Declared = field(default_factory=dict[tuple[str, FlinkKind], int])
    alerts: Alerts = field(default_factory=Alerts)
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    alert_labels: AlertLabels = field(default_factory=dict[str, Mapping[str, str]])


class AlertRules(Component):
    """One PrometheusRule with every enabled alert; none if all are disabled."""

    def __init__(self, name: str, args: AlertRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component, the resource and the PrometheusRule.
            args: its settings.
            opts: provider; must depend on the namespace and on the release that installs the kind PrometheusRule.
        """
        super().__init__("flink-k8s:index:AlertRules", name, {"namespace": args.namespace}, opts)
        rules = groups(args.alerts, args.operator_namespace, args.declared, args.alert_labels)
        if rules:
            CustomResource(
                f"{self.prefix}{name}",
                api_version="monitoring.coreos.com/v1",
                kind="PrometheusRule",
                metadata=ObjectMetaArgs(name=name, namespace=args.namespace, labels={**labels(name), **args.labels}),
                spec={"groups": rules},
                opts=child_of(self, was_at_root=True),
            )
        self.register_outputs({"namespace": args.namespace})
