"""The dashboards of `flink_k8s/monitoring/json`, each in a ConfigMap that Grafana's sidecar loads by its label."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import Component
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.metrics import FLINK_UI, LOGS

FOLDER = Path(__file__).resolve().parent.parent / "monitoring" / "json"


@dataclass(frozen=True)
class GrafanaDashboardsArgs:
    """Arguments of `GrafanaDashboards`.

    Attributes:
        namespace: of the ConfigMaps.
        flink_ui: address of Flink's web interface in links.
        logs: address of a job's logs in links; None for no such link.
    """

    namespace: str
    flink_ui: str
    logs: str | None


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
                data={path.name: _dashboard(path, {FLINK_UI: args.flink_ui, LOGS: args.logs})},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"namespace": args.namespace, "dashboards": [path.stem for path in files]})


def _dashboard(path: Path, addresses: Mapping[str, str | None]) -> str:
    """The text of a committed dashboard whose links have the stack's addresses; a link without one is removed."""
    dashboard = json.loads(path.read_text())
    links = [
        {**link, "url": addresses.get(link["url"], link["url"])} if "url" in link else link
        for link in dashboard["links"]
    ]
    dashboard["links"] = [link for link in links if link.get("url", "") is not None]
    return json.dumps(dashboard, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
