"""The dashboards of `flink_k8s/monitoring/json`, each in a ConfigMap that Grafana's sidecar finds by its label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.kubernetes_object import KubernetesObject
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.metrics import FLINK_UI

FOLDER = Path(__file__).resolve().parent.parent / "flink_k8s" / "monitoring" / "json"


class GrafanaDashboards(pulumi.ComponentResource):
    """One ConfigMap a dashboard."""

    def __init__(
        self, flink_ui: str, namespace: str, needed: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
    ) -> None:
        """
        Args:
            flink_ui: address of Flink's web interface in links.
            namespace: where they are put.
            needed: what brings that namespace.
            opts: provider.
        """
        super().__init__("flink-k8s:index:GrafanaDashboards", "grafana-dashboards", None, opts)
        for path in sorted(FOLDER.glob("*.json")):
            name = f"dashboard-{path.stem}"
            KubernetesObject(
                name,
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {
                        "name": name,
                        "namespace": namespace,
                        "labels": {**labels(name), "grafana_dashboard": "1"},
                    },
                    "data": {path.name: path.read_text().replace(FLINK_UI, json.dumps(flink_ui)[1:-1])},
                },
                pulumi.ResourceOptions(parent=self, depends_on=list(needed)),
            )
        self.register_outputs({})
