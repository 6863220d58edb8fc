"""The platform on one screen: settings -> components -> exports."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components import platform_stack
from components.cert_manager import CertManager
from components.dependencies import registered
from components.flink_job import deploy_jobs, exported
from components.flink_operator import FlinkOperator
from components.monitoring import monitor_platform
from components.namespace import JobNamespace
from components.network_policies import network_policies
from components.prometheus import Prometheus
from components.state_claim import state_claims
from flink_k8s.checks.running_stack import declared_stack
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.readiness import Readiness

platform = declared_stack(Path(__file__).parent)
settings = platform.settings

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=settings.kubeconfig,
    context=settings.context,
    # Without it, a kubeconfig that is written anew replaces every object in the cluster.
    cluster_identifier=settings.context,
    # A changed ConfigMap is updated: without it, it is deleted and made anew, and what reads it finds none meanwhile.
    enable_config_map_mutable=True,
)
on_cluster = pulumi.ResourceOptions(provider=cluster)

namespaces = {
    name: JobNamespace(name, namespace, settings.state_storage.service_account_annotations, on_cluster)
    for name, namespace in settings.own_namespaces.items()
}
below = platform_stack.platform_below(settings)
policies = network_policies(platform, namespaces, below, on_cluster)
cert_manager = (
    CertManager(settings.cert_manager, settings.charts, on_cluster) if settings.cert_manager.enabled else None
)
prometheus = Prometheus(settings.prometheus, settings.charts, on_cluster) if settings.prometheus.enabled else None
operator = (
    FlinkOperator(platform, namespaces, cert_manager, ApiServer.of(settings), on_cluster)
    if settings.operator.enabled
    else None
)
for namespace in namespaces.values():
    namespace.count_flink(operator)
monitor_platform(platform, namespaces, operator, prometheus, on_cluster)
readiness = Readiness.of(settings) if settings.wait_for_jobs else None
kinds = {"cert-manager.io": cert_manager, "monitoring.coreos.com": prometheus}
claims = state_claims(platform, namespaces, on_cluster)
jobs = deploy_jobs(platform, namespaces, policies, operator, kinds, claims, below, readiness, on_cluster)

pulumi.export("jobs", exported(jobs, settings))
pulumi.export("platform", platform_stack.export(settings))
pulumi.export("grafana", prometheus.grafana.export() if prometheus else None)
pulumi.run(registered)
