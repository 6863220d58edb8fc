"""The dashboards of `flink_k8s/monitoring/json`, each in a ConfigMap that Grafana's sidecar loads by its label."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import Component
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.metrics import FLINK_UI

FOLDER = Path(__file__).resolve().parent.parent / "monitoring" / "json"


@dataclass(frozen=True)
class GrafanaDashboardsArgs:
    """Arguments of `GrafanaDashboards`.

    Attributes:
        namespace: of the ConfigMaps.
        flink_ui: address of Flink's web interface in links.
    """

    namespace: str
    flink_ui: str


class GrafanaDashboards(Component):
    """One ConfigMap per dashboard."""

    def __init__(self, name: str, args: GrafanaDashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider; must depend on the namespace.
        """
        super().__init__("flink-k8s:index:GrafanaDashboards", name, {"namespace": args.namespace}, opts)
        files = sorted(FOLDER.glob("*.json"))
        for path in files:
            dashboard = f"dashboard-{path.stem}"
            ConfigMap(
                f"{self.prefix}{dashboard}",
                metadata=ObjectMetaArgs(
                    name=dashboard,
                    namespace=args.namespace,
                    labels={**labels(dashboard), "grafana_dashboard": "1"},
                ),
                data={path.name: path.read_text().replace(FLINK_UI, json.dumps(args.flink_ui)[1:-1])},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"namespace": args.namespace, "dashboards": [path.stem for path in files]})
