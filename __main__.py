"""The platform on one screen: settings -> components -> exports."""

from __future__ import annotations

import gc
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.cert_manager import CertManager, CertManagerArgs
from components.cluster_access import ClusterAccess, existing_operator
from components.default_deny import DefaultDeny, DefaultDenyArgs
from components.existing_objects import ExistingObjects
from components.flink_job import FlinkJob, FlinkJobArgs
from components.flink_operator import FlinkOperator, FlinkOperatorArgs
from components.flink_quota import FlinkQuota, FlinkQuotaArgs
from components.jar_uploads import JarUploads
from components.job_objects import JobObjects, JobObjectsArgs
from components.logging import Logging, LoggingArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.namespace import JobNamespace, JobNamespaceArgs
from components.platform_stack import PlatformStack, PlatformStackArgs, platform_outputs
from components.prometheus import Prometheus, PrometheusArgs
from components.state_claim import StateClaimArgs
from components.state_guard import StateGuard
from flink_k8s.checks.running_stack import declared_stack

# Every object lives until the end of the run. Less garbage collection saves a quarter of its CPU time: docs/adr/0007.
gc.set_threshold(10_000, 50, 100)

stack = declared_stack(Path(__file__).parent, existing_operator)
settings = stack.settings

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=settings.kubeconfig,
    context=settings.context,
    # Without this ID, a changed kubeconfig replaces every object in the cluster.
    cluster_identifier=settings.context,
    # Update a changed ConfigMap: the default replaces it, and pods cannot read it in between.
    enable_config_map_mutable=True,
)
access = ClusterAccess(settings.context, settings.kubeconfig, settings.job_timeout)
stack = access.restored(stack)
on_cluster = pulumi.ResourceOptions(provider=cluster, transformations=[ExistingObjects(access).bind])
guard = StateGuard([job.manifest for job in stack.jobs], stack.operator, settings.allow_state_loss)
uploads = JarUploads(access, stack)

# The platform. A disabled part is installed in the cluster already, or by the platform's stack.
platform = (
    PlatformStack(settings.platform, PlatformStackArgs([*settings.namespaces], settings.operator.version))
    if settings.platform
    else None
)
namespaces = {
    name: JobNamespace(
        name,
        JobNamespaceArgs(
            namespace,
            account_annotations=settings.state_storage.service_account_annotations,
            network_policies=settings.network_policies.enabled,
            state_claim=StateClaimArgs(settings.state_storage.volume, stack.protects_claim(name))
            if settings.state_storage.makes_claims
            else None,
            guard=guard,
            openshift=settings.openshift,
        ),
        on_cluster,
    )
    for name, namespace in settings.own_namespaces.items()
}
cert_manager = (
    CertManager("cert-manager", CertManagerArgs(access, settings.cert_manager, settings.charts), on_cluster)
    if settings.cert_manager.enabled
    else None
)
prometheus = (
    Prometheus("prometheus", PrometheusArgs(access, settings.prometheus, settings.charts), on_cluster)
    if settings.prometheus.enabled
    else None
)
if settings.logging.enabled:
    Logging(
        "logging",
        LoggingArgs(
            access,
            settings.logging,
            settings.charts,
            namespaces={*settings.namespaces, settings.operator.namespace},
            network_policies=settings.network_policies.enabled,
        ),
        on_cluster,
    )
operator = (
    FlinkOperator(
        "flink-operator",
        FlinkOperatorArgs(
            access,
            settings.operator,
            settings.charts,
            watched=[*namespaces.values()],
            cert_manager=cert_manager,
            traffic=stack.operator_traffic,
            openshift=settings.openshift,
        ),
        on_cluster,
    )
    if settings.operator.enabled
    else None
)
quotas = {
    name: FlinkQuota(name, FlinkQuotaArgs(namespace, settings.namespaces[name].quota, operator), on_cluster)
    for name, namespace in namespaces.items()
    if settings.namespaces[name].quota.counts()
}
if settings.makes_monitors:
    access.compare_prometheus(settings)
    Monitoring(
        "monitoring",
        MonitoringArgs(
            settings.prometheus,
            settings.operator.namespace,
            operator=operator,
            prometheus=prometheus,
            namespaces=[*namespaces.values()],
            declared=stack.job_counts,
            cert_manager=cert_manager,
            alert_labels={name: namespace.alert_labels for name, namespace in settings.own_namespaces.items()},
            logs=settings.logging.job_link,
        ),
        on_cluster,
    )

# The jobs
objects = (
    JobObjects(
        "job-objects",
        JobObjectsArgs(stack.attachments, namespaces, operator, cert_manager, prometheus, platform, guard),
        on_cluster,
    )
    if stack.attachments
    else None
)
jobs: dict[str, FlinkJob] = {}
for job in stack.jobs_in_order:
    jobs[job.key] = FlinkJob(
        job.key,
        FlinkJobArgs(
            job,
            rest_port=stack.rest_port(job),
            traffic=stack.traffic(job),
            budgets=stack.disruption_budgets(job),
            namespace=namespaces.get(job.namespace),
            quota=quotas.get(job.namespace),
            platform=platform,
            operator=operator,
            cert_manager=cert_manager,
            objects=objects.of(job, stack.after(job)) if objects else (),
            after=[jobs[key].settled for key in stack.after(job) if key in jobs],
            target=jobs.get(job.target) if job.target else None,
            readiness=access.readiness if stack.is_awaited(job) else None,
            guard=guard,
            uploads=uploads,
        ),
        on_cluster,
    )
for name, namespace in namespaces.items():
    if settings.network_policies.enabled and namespace.created:
        allowing = [job.policy for job in jobs.values() if job.policy and job.job.namespace == name]
        DefaultDeny(name, DefaultDenyArgs(namespace, allowing), on_cluster)

pulumi.export("jobs", {key: job.endpoint for key, job in jobs.items()})
pulumi.export("platform", platform_outputs(settings))
pulumi.export("grafana", prometheus.grafana.export() if prometheus else None)
