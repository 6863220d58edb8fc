"""PodMonitors, from which the Prometheus operator configures scrapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import Component
from flink_k8s.components.options import child_of
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.metrics import CERTIFICATES_MONITOR, JOBS_MONITOR, OPERATOR_MONITOR


@dataclass(frozen=True)
class FlinkPodMonitorArgs:
    """Arguments of `FlinkPodMonitor`.

    Attributes:
        monitor: name of the PodMonitor in the cluster.
        namespace: of the monitor and its pods.
        selector: of the pods.
        pod_labels: labels of the pods that every series gets.
        labels: that the cluster's Prometheus selects monitors by.
        port: name of the port of the pods.
        honor_labels: whether labels of the metrics win over those of the pods, such as `namespace`.
    """

    monitor: str
    namespace: str
    selector: Mapping[str, Any]
    pod_labels: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    port: str = "metrics"
    honor_labels: bool = False

    @classmethod
    def of_cert_manager(cls, namespace: str, extra_labels: Mapping[str, str]) -> FlinkPodMonitorArgs:
        """Scrape the controller of cert-manager, whose metrics name the certificates and their namespaces."""
        selector = {
            "matchLabels": {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
        }
        return cls(
            CERTIFICATES_MONITOR, namespace, selector, labels=extra_labels, port="http-metrics", honor_labels=True
        )

    @classmethod
    def of_operator(cls, namespace: str, extra_labels: Mapping[str, str]) -> FlinkPodMonitorArgs:
        """Scrape the Flink operator in a namespace."""
        selector = {"matchLabels": {"app.kubernetes.io/name": "flink-kubernetes-operator"}}
        return cls(OPERATOR_MONITOR, namespace, selector, labels=extra_labels)

    @classmethod
    def of_jobs(cls, namespace: str, extra_labels: Mapping[str, str]) -> FlinkPodMonitorArgs:
        """Scrape every JobManager and TaskManager of a namespace. With a monitor per job, each would scrape all."""
        kinds = {
            "key": "type",
            "operator": "In",
            "values": ["flink-native-kubernetes", "flink-standalone-kubernetes"],
        }
        # No metric has a job's exact name: the reporter converts `my-job` to `my_job`.
        return cls(JOBS_MONITOR, namespace, {"matchExpressions": [kinds]}, ("app", "component"), extra_labels)


class FlinkPodMonitor(Component):
    """One PodMonitor that scrapes a port of pods."""

    def __init__(self, name: str, args: FlinkPodMonitorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component and the resource.
            args: its settings.
            opts: provider; must depend on the namespace and on the release that installs the kind PodMonitor.
        """
        outputs = {"namespace": args.namespace, "monitor": args.monitor}
        super().__init__("flink-k8s:index:FlinkPodMonitor", name, outputs, opts)
        endpoint: dict[str, Any] = {"port": args.port, **({"honorLabels": True} if args.honor_labels else {})}
        spec: dict[str, Any] = {"selector": dict(args.selector), "podMetricsEndpoints": [endpoint]}
        if args.pod_labels:
            spec["podTargetLabels"] = list(args.pod_labels)
        CustomResource(
            f"{self.prefix}{name}",
            api_version="monitoring.coreos.com/v1",
            kind="PodMonitor",
            metadata=ObjectMetaArgs(
                name=args.monitor, namespace=args.namespace, labels={**labels(args.monitor), **args.labels}
            ),
            spec=spec,
            opts=child_of(self, was_at_root=True),
        )
        self.register_outputs(outputs)
