"""The log store: VictoriaLogs, and a collector on each node that sends it the logs of jobs and the operator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pulumi

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import Component
from flink_k8s.components.namespace import namespace
from flink_k8s.components.release import install
from flink_k8s.config.logging_model import LOG_PORT, LOG_SERVICE, LoggingSettings
from flink_k8s.config.model import Charts
from flink_k8s.config.namespace import pod_security_labels
from flink_k8s.facts import versions

_COLLECTOR = "log-collector"

_USABLE = 85
"""Percentage of its volume that the store may fill before it drops the oldest day."""


def store_values(settings: LoggingSettings, charts: Charts, *, network_policies: bool) -> dict[str, Any]:
    """The values of the store's chart, before the user's own."""
    volume: dict[str, Any] = {"size": settings.storage.size}
    if settings.storage.storage_class is not None:
        volume["storageClassName"] = settings.storage.storage_class
    policy: dict[str, Any] = {
        "enabled": True,
        # The collectors. `make monitor` and `make logs` come through the node.
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": LOG_PORT}]}],
    }
    return {
        "server": {
            "fullnameOverride": LOG_SERVICE,
            "retentionPeriod": settings.retention,
            "retentionMaxDiskUsagePercent": _USABLE,
            "persistentVolume": volume,
            "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        },
        **({"networkPolicy": policy} if network_policies else {}),
        **_registry(charts),
    }


def collector_values(charts: Charts, namespaces: Collection[str]) -> dict[str, Any]:
    """The values of the collector's chart, before the user's own.

    Args:
        charts: with the registry of images.
        namespaces: whose pods' logs are collected.
    """
    names = ",".join(f'"{name}"' for name in sorted(namespaces))
    return {
        "fullnameOverride": _COLLECTOR,
        "remoteWrite": [{"url": f"http://{LOG_SERVICE}:{LOG_PORT}"}],
        "collector": {"excludeFilter": f'!"kubernetes.pod_namespace":in({names})'},
        # Also on nodes that are reserved for some jobs.
        "tolerations": [{"operator": "Exists"}],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        **_registry(charts),
    }


def _registry(charts: Charts) -> dict[str, Any]:
    return {"global": {"image": {"registry": charts.image_registry}}} if charts.image_registry else {}


@dataclass(frozen=True)
class LoggingArgs:
    """Arguments of `Logging`.

    Attributes:
        cluster: for the issues of pods.
        settings: versions, namespace, retention, storage, values of the charts.
        charts: sources of charts and images.
        namespaces: whose pods' logs are stored.
        network_policies: only the collectors may connect to the store.
    """

    cluster: ClusterAccess
    settings: LoggingSettings
    charts: Charts = field(default_factory=Charts)
    namespaces: Collection[str] = ()
    network_policies: bool = False


class Logging(Component):
    """Namespace, and the releases of the store and the collector."""

    def __init__(self, name: str, args: LoggingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        settings, charts = args.settings, args.charts
        outputs = {"namespace": settings.namespace, "version": settings.version}
        super().__init__("flink-k8s:index:Logging", name, outputs, opts)
        # The collector reads the host's files, which stricter profiles do not allow.
        own = namespace(
            settings.namespace,
            extra=pod_security_labels("privileged"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        store = install(
            LOG_SERVICE,
            versions.LOG_STORE,
            settings.version,
            cluster=args.cluster,
            charts=charts,
            source=charts.log_store,
            namespace=settings.namespace,
            values=store_values(settings, charts, network_policies=args.network_policies),
            overrides=settings.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own]),
        )
        install(
            _COLLECTOR,
            versions.LOG_COLLECTOR,
            settings.collector_version,
            cluster=args.cluster,
            charts=charts,
            source=charts.log_collector,
            namespace=settings.namespace,
            values=collector_values(charts, args.namespaces),
            overrides=settings.collector_values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[store]),
        )
        self.register_outputs(outputs)
