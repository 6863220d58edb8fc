"""The Prometheus stack: Prometheus, Alertmanager, Grafana, and the operator that discovers monitors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import Component
from flink_k8s.components.crds import CrdUpdater
from flink_k8s.components.grafana import PASSWORD_KEY, USER_KEY, Grafana, admin_secret
from flink_k8s.components.namespace import namespace
from flink_k8s.components.release import install
from flink_k8s.config.model import Charts
from flink_k8s.config.monitoring import PrometheusSettings, PrometheusStorage
from flink_k8s.config.namespace import pod_security_labels
from flink_k8s.facts import versions
from flink_k8s.facts.units import quantity
from flink_k8s.monitoring import kube_state_metrics

RELEASE = "prometheus"

_USABLE = 0.85
"""Share of its volume that Prometheus may fill with blocks: the write-ahead log and compactions need the rest."""


_CONTROL_PLANE = ("kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler")
"""Parts of the chart: monitors and alerts of components that a managed cluster hides."""


def values(settings: PrometheusSettings, charts: Charts) -> dict[str, Any]:
    """The chart's values, before the user's own."""
    return {
        "prometheus": {
            "prometheusSpec": {
                # Otherwise it selects only monitors and rules with the label of the release.
                "podMonitorSelectorNilUsesHelmValues": False,
                "serviceMonitorSelectorNilUsesHelmValues": False,
                "ruleSelectorNilUsesHelmValues": False,
                "probeSelectorNilUsesHelmValues": False,
                "retention": settings.retention,
                **(_volume(settings.storage) if settings.storage else {}),
            }
        },
        "grafana": {
            "admin": {
                "existingSecret": settings.admin_secret,
                "userKey": USER_KEY,
                "passwordKey": PASSWORD_KEY,
            }
        },
        "kube-state-metrics": kube_state_metrics.values(),
        **({} if settings.control_plane else {part: {"enabled": False} for part in _CONTROL_PLANE}),
        **({"global": {"imageRegistry": charts.image_registry}} if charts.image_registry else {}),
    }


def _volume(storage: PrometheusStorage) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class is not None:
        spec["storageClassName"] = storage.storage_class
    return {
        # Drop the oldest data: a full volume stops Prometheus.
        "retentionSize": f"{int(float(quantity(storage.size)) * _USABLE / 2**20)}MB",
        "storageSpec": {"volumeClaimTemplate": {"spec": spec}},
    }


@dataclass(frozen=True)
class PrometheusArgs:
    """Arguments of `Prometheus`.

    Attributes:
        cluster: for the CRDs, and the issues of pods.
        settings: version, namespace, retention, storage, values of the chart.
        charts: sources of charts and images.
    """

    cluster: ClusterAccess
    settings: PrometheusSettings = field(default_factory=PrometheusSettings)
    charts: Charts = field(default_factory=Charts)


class Prometheus(Component):
    """Namespace and release of kube-prometheus-stack, and the Secret of Grafana's administrator.

    Attributes:
        namespace: the Namespace, for objects in it that need not wait for Prometheus.
        grafana: Grafana's address.
    """

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        settings, charts = args.settings, args.charts
        outputs = {"namespace": settings.namespace, "version": settings.version}
        super().__init__("flink-k8s:index:Prometheus", name, outputs, opts)
        # node-exporter reads the host, which stricter profiles do not allow.
        own = self.namespace = namespace(
            settings.namespace,
            extra=pod_security_labels("privileged"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[own])
        needed: list[pulumi.Resource] = [own]
        if settings.grafana_secret is None:
            needed.append(admin_secret(settings.namespace, inside))
        provider = opts.provider if opts else None
        updater = CrdUpdater.of_prometheus(args.cluster.api_server, settings.version, provider)
        self.release = install(
            RELEASE,
            versions.PROMETHEUS,
            settings.version,
            cluster=args.cluster,
            charts=charts,
            source=charts.prometheus,
            namespace=settings.namespace,
            values=values(settings, charts),
            overrides=settings.values,
            hooks=[updater.hook(f"{self.prefix}prometheus-crds")],
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.grafana = Grafana(settings.namespace, f"{RELEASE}-grafana", settings.admin_secret)
        self.register_outputs({**outputs, "grafana": self.grafana.export()})
