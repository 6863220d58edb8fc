"""The Prometheus stack: Prometheus, Alertmanager, Grafana, and the operator that finds monitors by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.namespace import namespace
from components.release import install
from settings import versions
from settings.model import Charts
from settings.model import Prometheus as PrometheusSettings

RELEASE = "prometheus"


@dataclass(frozen=True)
class Grafana:
    """How to reach Grafana. The chart makes the password; it is in the secret and nowhere else."""

    namespace: str
    service: str
    secret: str

    def export(self) -> dict[str, str]:
        """As a stack output."""
        return {
            "namespace": self.namespace,
            "service": self.service,
            "address": f"http://{self.service}.{self.namespace}.svc",
            "secret": self.secret,
            "open": f"kubectl -n {self.namespace} port-forward svc/{self.service} 3000:80",
        }


class Prometheus(pulumi.ComponentResource):
    """Namespace and release of kube-prometheus-stack.

    Attributes:
        grafana: how to reach Grafana.
    """

    def __init__(self, settings: PrometheusSettings, charts: Charts, opts: pulumi.ResourceOptions) -> None:
        super().__init__("flink-k8s:index:Prometheus", "prometheus", None, opts)
        # node-exporter looks at the host, which no stricter profile lets it do.
        own = namespace(
            settings.namespace,
            extra={"pod-security.kubernetes.io/enforce": "privileged"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.release = install(
            RELEASE,
            versions.PROMETHEUS,
            settings.version,
            charts=charts,
            source=charts.prometheus,
            namespace=settings.namespace,
            values={
                "prometheus": {
                    "prometheusSpec": {
                        # Otherwise it takes only monitors that carry the release's own label.
                        "podMonitorSelectorNilUsesHelmValues": False,
                        "serviceMonitorSelectorNilUsesHelmValues": False,
                        "ruleSelectorNilUsesHelmValues": False,
                        "probeSelectorNilUsesHelmValues": False,
                    }
                }
            },
            overrides=settings.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own]),
        )
        self.grafana = Grafana(settings.namespace, f"{RELEASE}-grafana", f"{RELEASE}-grafana")
        self.register_outputs({})
