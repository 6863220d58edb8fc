"""All components of a declared stack, and the dependencies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from flink_k8s.components.cert_manager import CertManager, CertManagerArgs
from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import prefix_of
from flink_k8s.components.default_deny import DefaultDeny, DefaultDenyArgs
from flink_k8s.components.engine_run import shared
from flink_k8s.components.existing_objects import ExistingObjects
from flink_k8s.components.flink_operator import FlinkOperator, FlinkOperatorArgs
from flink_k8s.components.flink_quota import FlinkQuota, FlinkQuotaArgs
from flink_k8s.components.jar_uploads import JarUploads
from flink_k8s.components.job_objects import JobObjects, JobObjectsArgs
from flink_k8s.components.job_resources import JobResources, JobResourcesArgs
from flink_k8s.components.logging import Logging, LoggingArgs
from flink_k8s.components.monitoring import Monitoring, MonitoringArgs
from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
from flink_k8s.components.platform_stack import PlatformStack, PlatformStackArgs, platform_outputs
from flink_k8s.components.prometheus import Prometheus, PrometheusArgs
from flink_k8s.components.state_bucket import StateBucket, StateBucketArgs
from flink_k8s.components.state_claim import StateClaimArgs
from flink_k8s.components.state_guard import StateGuard
from flink_k8s.config.model import StackSettings
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.deployed_resources import register_provider


class Platform:
    """The platform and the jobs of a stack. A disabled part is in the cluster already, or in the platform's stack.

    Attributes:
        settings: the stack config.
        provider: of the cluster.
        namespaces: that the stack owns, by name.
        prometheus: None if it is installed in the cluster already.
        operator: None if it is installed in the cluster already.
        jobs: by `kind/namespace/name`.
    """

    def __init__(
        self,
        stack: DeclaredStack,
        opts: pulumi.ResourceOptions | None = None,
        ready: Sequence[pulumi.Input[pulumi.Resource]] | None = None,
    ) -> None:
        """
        Args:
            stack: the declared stack.
            opts: of all components: their parent, and the provider of the cluster; without a provider it makes one.
            ready: the parts of the platform that jobs need; None: the outputs of the platform's stack show that.

        Raises:
            pulumi.RunError: from the cluster, for example about a `restoreFrom` without a path.
        """
        settings = self.settings = stack.settings
        prefix = self._prefix = prefix_of(opts)
        parent = opts.parent if opts else None
        self.provider = (opts.provider if opts else None) or kubernetes.Provider(
            f"{prefix}cluster",
            kubeconfig=settings.kubeconfig,
            context=settings.context,
            # Without this ID, a changed kubeconfig replaces every object in the cluster.
            cluster_identifier=settings.context,
            # Update a changed ConfigMap: the default replaces it, and pods cannot read it in between.
            enable_config_map_mutable=True,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        self._access = _access(settings)
        stack = self._stack = self._access.restored(stack)
        cluster = (ExistingObjects, settings.context, settings.kubeconfig)
        existing_objects = shared(cluster, lambda: _existing_objects(self._access, prefix))
        transformations = [*((opts.transformations if opts else None) or ()), existing_objects.bind]
        self._on_cluster = pulumi.ResourceOptions(
            parent=parent, provider=self.provider, transformations=transformations
        )
        manifests = [job.manifest for job in stack.jobs]
        self._guard = StateGuard(manifests, stack.operator, settings.allow_state_loss, prefix)
        self._platform_ready = ready or ()
        if settings.platform and ready is None:
            args = PlatformStackArgs([*settings.namespaces], settings.operator.version)
            self._platform_ready = [PlatformStack(settings.platform, args).ready]
        self.namespaces = self._namespaces()
        self._cert_manager = (
            CertManager(
                "cert-manager",
                CertManagerArgs(self._access, settings.cert_manager, settings.charts),
                self._on_cluster,
            )
            if settings.cert_manager.enabled
            else None
        )
        self.prometheus = (
            Prometheus(
                "prometheus", PrometheusArgs(self._access, settings.prometheus, settings.charts), self._on_cluster
            )
            if settings.prometheus.enabled
            else None
        )
        if settings.logging.enabled:
            self._logging()
        self.operator = self._flink_operator() if settings.operator.enabled else None
        self._quotas = self._flink_quotas()
        if settings.makes_monitors:
            self._monitoring()
        self.jobs = self._jobs()
        if settings.network_policies.enabled:
            self._deny_other_traffic()

    @property
    def outputs(self) -> Mapping[str, object]:
        """The outputs of the stack."""
        return {
            "jobs": {key: job.endpoint for key, job in self.jobs.items()},
            "platform": platform_outputs(self.settings),
            "grafana": self.prometheus.grafana.export() if self.prometheus else None,
        }

    @property
    def ready(self) -> list[pulumi.Input[pulumi.Resource]]:
        """The parts that a job needs, for jobs outside of this stack."""
        parts: list[pulumi.Input[pulumi.Resource]] = [*self._quotas.values()]
        for namespace in self.namespaces.values():
            parts += [*namespace.created, *namespace.job_requirements]
            parts += [namespace.state_claim] if namespace.state_claim else []
        parts += [self._cert_manager] if self._cert_manager else []
        return [*parts, *([self.operator.serving] if self.operator else [])]

    def _namespaces(self) -> dict[str, JobNamespace]:
        settings = self.settings
        storage = settings.state_storage
        bucket: list[pulumi.Resource] = []
        if storage.create is not None and settings.own_namespaces:
            args = StateBucketArgs(storage, storage.create, [*settings.own_namespaces])
            bucket.append(StateBucket("state-bucket", args, pulumi.ResourceOptions(parent=self._on_cluster.parent)))
        return {
            name: JobNamespace(
                name,
                JobNamespaceArgs(
                    namespace,
                    account_annotations=storage.account_annotations,
                    requirements=bucket,
                    network_policies=settings.network_policies.enabled,
                    state_claim=StateClaimArgs(storage.volume, self._stack.protects_claim(name))
                    if storage.makes_claims
                    else None,
                    guard=self._guard,
                    openshift=settings.openshift,
                ),
                self._on_cluster,
            )
            for name, namespace in settings.own_namespaces.items()
        }

    def _logging(self) -> Logging:
        settings = self.settings
        return Logging(
            "logging",
            LoggingArgs(
                self._access,
                settings.logging,
                settings.charts,
                namespaces={*settings.namespaces, settings.operator.namespace},
                network_policies=settings.network_policies.enabled,
            ),
            self._on_cluster,
        )

    def _flink_operator(self) -> FlinkOperator:
        settings = self.settings
        return FlinkOperator(
            "flink-operator",
            FlinkOperatorArgs(
                self._access,
                settings.operator,
                settings.charts,
                watched=[*self.namespaces.values()],
                jobs=len(self._stack.jobs),
                cert_manager=self._cert_manager,
                traffic=self._stack.operator_traffic,
                openshift=settings.openshift,
            ),
            self._on_cluster,
        )

    def _flink_quotas(self) -> dict[str, FlinkQuota]:
        quotas = {name: self.settings.namespaces[name].quota for name in self.namespaces}
        return {
            name: FlinkQuota(
                name, FlinkQuotaArgs(self._access, self.namespaces[name], quota, self.operator), self._on_cluster
            )
            for name, quota in quotas.items()
            if quota.counts()
        }

    def _monitoring(self) -> Monitoring:
        settings = self.settings
        self._access.compare_prometheus(settings)
        return Monitoring(
            "monitoring",
            MonitoringArgs(
                settings.prometheus,
                settings.operator.namespace,
                operator=self.operator,
                prometheus=self.prometheus,
                namespaces=[*self.namespaces.values()],
                declared=self._stack.job_counts,
                cert_manager=self._cert_manager,
                alert_labels={name: namespace.alert_labels for name, namespace in settings.own_namespaces.items()},
                logs=settings.logging.job_link,
            ),
            self._on_cluster,
        )

    def _job_objects(self) -> JobObjects:
        return JobObjects(
            "job-objects",
            JobObjectsArgs(
                self._stack.attachments,
                self.namespaces,
                self.operator,
                self._cert_manager,
                self.prometheus,
                self._platform_ready,
                self._guard,
            ),
            self._on_cluster,
        )

    def _jobs(self) -> dict[str, JobResources]:
        stack = self._stack
        uploads = JarUploads(self._access, stack, self._prefix)
        objects = self._job_objects() if stack.attachments else None
        jobs: dict[str, JobResources] = {}
        for job in stack.jobs_in_order:
            jobs[job.key] = JobResources(
                job.key,
                JobResourcesArgs(
                    job,
                    rest_port=stack.rest_port(job),
                    traffic=stack.traffic(job),
                    budgets=stack.disruption_budgets(job),
                    namespace=self.namespaces.get(job.namespace),
                    quota=self._quotas.get(job.namespace),
                    platform=self._platform_ready,
                    operator=self.operator,
                    cert_manager=self._cert_manager,
                    objects=objects.of(job, stack.after(job)) if objects else (),
                    after=[jobs[key].settled for key in stack.after(job) if key in jobs],
                    target=jobs.get(job.target) if job.target else None,
                    readiness=self._access.readiness if stack.is_awaited(job) else None,
                    guard=self._guard,
                    uploads=uploads,
                ),
                self._on_cluster,
            )
        return jobs

    def _deny_other_traffic(self) -> None:
        for name, namespace in self.namespaces.items():
            if namespace.created:
                allowing = [job.policy for job in self.jobs.values() if job.policy and job.job.namespace == name]
                DefaultDeny(name, DefaultDenyArgs(namespace, allowing), self._on_cluster)


def _existing_objects(access: ClusterAccess, prefix: str) -> ExistingObjects:
    register_provider()
    return ExistingObjects(access, prefix)


def _access(settings: StackSettings) -> ClusterAccess:
    """Access to the cluster, which all platforms and jobs of a run on that cluster share."""
    access = (settings.context, settings.kubeconfig, settings.job_timeout)
    return shared((ClusterAccess, access), lambda: ClusterAccess(*access))
