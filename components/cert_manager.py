"""cert-manager: makes and renews the certificate of the operator's webhook."""

from __future__ import annotations

import pulumi

from components.namespace import namespace
from components.release import install
from flink_k8s.config.model import CertManagerSettings, Charts
from flink_k8s.facts import versions


class CertManager(pulumi.ComponentResource):
    """Namespace and release of cert-manager.

    The release is ready only after the chart's `startupapicheck` has passed: its API takes a Certificate then, and
    what depends on this component need not retry.
    """

    def __init__(self, settings: CertManagerSettings, charts: Charts, opts: pulumi.ResourceOptions) -> None:
        super().__init__("flink-k8s:index:CertManager", "cert-manager", None, opts)
        own = namespace(settings.namespace, opts=pulumi.ResourceOptions(parent=self))
        self.release = install(
            "cert-manager",
            versions.CERT_MANAGER,
            settings.version,
            charts=charts,
            source=charts.cert_manager,
            namespace=settings.namespace,
            values={
                "crds": {"enabled": True},
                # In kube-system, where the chart would have it, the lease outlives a namespace that goes, and the next
                # install waits until it has run out.
                "global": {"leaderElection": {"namespace": settings.namespace}},
                # The chart looks every 5 s, and the operator waits for it. Unready after as long as there.
                "webhook": {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 1, "failureThreshold": 15}},
            },
            overrides=settings.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own]),
        )
        self.register_outputs({})
