"""cert-manager: issues and renews the certificate of the operator's webhook."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import Component
from flink_k8s.components.namespace import namespace
from flink_k8s.components.release import install
from flink_k8s.config.model import CertManagerSettings, Charts
from flink_k8s.facts import versions


@dataclass(frozen=True)
class CertManagerArgs:
    """Arguments of `CertManager`.

    Attributes:
        cluster: for the issues of pods.
        settings: version, namespace, values of the chart.
        charts: sources of charts and images.
    """

    cluster: ClusterAccess
    settings: CertManagerSettings = field(default_factory=CertManagerSettings)
    charts: Charts = field(default_factory=Charts)


class CertManager(Component):
    """Namespace and release of cert-manager.

    The release is ready only after the chart's `startupapicheck` has passed. Its API then accepts a Certificate, so
    dependents need not retry.
    """

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        settings, charts = args.settings, args.charts
        outputs = {"namespace": settings.namespace, "version": settings.version}
        super().__init__("flink-k8s:index:CertManager", name, outputs, opts)
        # After the registration, which replaces attributes by outputs of the same name.
        self.namespace = settings.namespace
        own = namespace(settings.namespace, opts=pulumi.ResourceOptions(parent=self))
        self.release = install(
            "cert-manager",
            versions.CERT_MANAGER,
            settings.version,
            cluster=args.cluster,
            charts=charts,
            source=charts.cert_manager,
            namespace=settings.namespace,
            values={
                "crds": {"enabled": True},
                # In kube-system, the chart's default, the lease outlives a deleted namespace, and the next install
                # waits until it has expired.
                "global": {"leaderElection": {"namespace": settings.namespace}},
                # The chart's default probes every 5 s, and the operator waits for it. The total time is unchanged.
                "webhook": {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 1, "failureThreshold": 15}},
                **({"imageRegistry": charts.image_registry} if charts.image_registry else {}),
            },
            overrides=settings.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own]),
        )
        self.register_outputs(outputs)
