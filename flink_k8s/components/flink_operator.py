"""The Flink Kubernetes operator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from flink_k8s.components import webhook_keystore
from flink_k8s.components.cert_manager import CertManager
from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import Component
from flink_k8s.components.crds import CrdUpdater
from flink_k8s.components.namespace import JobNamespace, namespace
from flink_k8s.components.network_policies import operator_policies
from flink_k8s.components.openshift import allow_image_users
from flink_k8s.components.release import install
from flink_k8s.components.watched_namespaces import WatchedNamespaces
from flink_k8s.config.model import Charts, OperatorSettings
from flink_k8s.facts import versions
from flink_k8s.health.waiting import waits_for_cluster
from flink_k8s.health.webhook import Webhook
from flink_k8s.resolve.jobs import PROMETHEUS_REPORTER
from flink_k8s.resolve.operator_size import operator_size
from flink_k8s.resolve.traffic import OPERATOR_METRICS_PORT as METRICS_PORT
from flink_k8s.resolve.traffic import Traffic

_CONFIGURATION = {
    "kubernetes.operator.metrics.reporter.prom.factory.class": PROMETHEUS_REPORTER,
    "kubernetes.operator.metrics.reporter.prom.port": str(METRICS_PORT),
    # Keep the names of namespaces and resources: by default the reporter converts team-a to team_a.
    "kubernetes.operator.metrics.reporter.prom.filterLabelValueCharacters": "false",
    # The chart's own block contains these two options; setting the block removes them.
    "kubernetes.operator.reconcile.interval": "15 s",
    "kubernetes.operator.observer.progress-check.interval": "5 s",
    # The default is 2: the status of a failed job then lacks the innermost cause.
    "kubernetes.operator.exception.throwable.list.max.count": "10",
}

_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


_IMAGE = "apache/flink-kubernetes-operator"
"""Path of the operator's image in every registry."""


def values(settings: OperatorSettings, watched: Sequence[str], charts: Charts, jobs: int = 0) -> dict[str, Any]:
    """The chart's values, before the user's own.

    Args:
        settings: of the operator.
        watched: the namespaces whose Flink resources it reconciles; empty for all.
        charts: the registry of the image.
        jobs: number of jobs in the stack.
    """
    size = operator_size(settings, jobs)
    config_file = versions.operator_version(settings.version).config_file
    # config.yaml is YAML 1.2, in which a plain text can be an alias, a mapping or a comment; flink-conf.yaml is not.
    serialize = json.dumps if config_file == "config.yaml" else str
    configuration = "".join(
        f"{key}: {serialize(value)}\n" for key, value in sorted({**_CONFIGURATION, **settings.configuration}.items())
    )
    return {
        "watchNamespaces": sorted(watched),
        # Without it the pod has no port named `metrics`, and a PodMonitor scrapes nothing.
        "metrics": {"port": METRICS_PORT},
        "defaultConfiguration": {
            "create": True,
            # Keep the chart's own block, which opens modules of Java 17 for Flink, before this block.
            "append": True,
            config_file: configuration,
        },
        # The chart restarts nothing when the configuration changes, or the namespaces, which the operator reads once.
        "operatorPod": {
            "annotations": {"flink-k8s/config-hash": _digest(configuration, watched)},
            # Without requests the pod is the first to be evicted. Without a limit it is never killed for its memory.
            "resources": {"requests": {"cpu": size.cpu, "memory": size.memory}},
            "webhook": {"resources": {"requests": {"cpu": "50m", "memory": "256Mi"}}},
        },
        # The program owns the jobs' accounts: the chart's would outlive an uninstall.
        "jobServiceAccount": {"create": False},
        "rbac": {"jobRole": {"create": False}, "jobRoleBinding": {"create": False}},
        "webhook": webhook_keystore.values(settings),
        # The chart's default probes every 10 s, and every job waits for it. The total time is unchanged.
        "operatorHealth": {"startupProbe": {"periodSeconds": 2, "failureThreshold": 150}},
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": 9999,
            "runAsGroup": 9999,
            "fsGroup": 9999,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "operatorSecurityContext": _CONTAINER_SECURITY,
        "webhookSecurityContext": _CONTAINER_SECURITY,
        **({"jvmArgs": {"operator": f"-Xmx{size.heap}"}} if size.heap else {}),
        **({"image": {"repository": f"{charts.image_registry}/{_IMAGE}"}} if charts.image_registry else {}),
    }


def _digest(configuration: str, watched: Sequence[str]) -> str:
    text = "\n".join([configuration, *sorted(watched)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FlinkOperatorArgs:
    """Arguments of `FlinkOperator`.

    Attributes:
        cluster: for the CRDs, the webhook's old keystore, and the check that the webhook answers.
        settings: version, namespace, configuration, values of the chart.
        charts: sources of charts and images.
        watched: namespaces of jobs. They must exist: the chart creates a Role in each.
        jobs: number of jobs in the stack.
        cert_manager: issues the webhook's certificate; None if the cluster has it already.
        traffic: connections of the operator's pods; None without NetworkPolicies.
        openshift: whether the cluster is OpenShift.
    """

    cluster: ClusterAccess
    settings: OperatorSettings = field(default_factory=OperatorSettings)
    charts: Charts = field(default_factory=Charts)
    watched: Sequence[JobNamespace] = ()
    jobs: int = 0
    cert_manager: CertManager | None = None
    traffic: Traffic | None = None
    openshift: bool = False


class FlinkOperator(Component):
    """Namespace and release of the operator, and its CRDs.

    Attributes:
        namespace: the Namespace, for objects in it that need not wait for the operator.
        serving: the operator once its webhook answers; a dependency of Flink resources.
    """

    def __init__(self, name: str, args: FlinkOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: provider.
        """
        settings, charts, api_server = args.settings, args.charts, args.cluster.api_server
        names = sorted(job_namespace.namespace for job_namespace in args.watched)
        watched = [] if settings.watch_all_namespaces else names
        outputs = {"namespace": settings.namespace, "version": settings.version, "watchedNamespaces": watched}
        super().__init__("flink-k8s:index:FlinkOperator", name, outputs, opts)
        own = self.namespace = namespace(settings.namespace, opts=pulumi.ResourceOptions(parent=self))
        inside = pulumi.ResourceOptions(parent=self, depends_on=[own])
        needed: list[pulumi.Resource] = [own]
        if args.traffic is not None:
            needed += operator_policies(settings.namespace, args.traffic, inside)
        if args.openshift:
            needed.append(allow_image_users(settings.namespace, None, inside))
        needed += [created for job_namespace in args.watched for created in job_namespace.created]
        if settings.webhook and args.cert_manager is not None:
            needed.append(args.cert_manager)
        provider = opts.provider if opts else None
        before_release = [
            # First: it changes nothing.
            WatchedNamespaces(api_server).hook(f"{self.prefix}operator-watched-namespaces"),
            CrdUpdater.of_flink(api_server, settings.version, provider).hook(f"{self.prefix}operator-crds"),
        ]
        if webhook_keystore.makes_password(settings):
            needed.append(webhook_keystore.secret(settings, versions.OPERATOR_RELEASE, inside))
            before_release.append(
                webhook_keystore.OldKeystore(api_server, settings.namespace).hook(f"{self.prefix}operator-keystore")
            )
        self.release = install(
            versions.OPERATOR_RELEASE,
            versions.OPERATOR,
            settings.version,
            cluster=args.cluster,
            charts=charts,
            source=charts.operator,
            namespace=settings.namespace,
            values=values(settings, watched, charts, args.jobs),
            overrides=settings.values,
            hooks=before_release,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.serving: pulumi.Input[pulumi.Resource] = self
        if settings.webhook and names and waits_for_cluster():
            webhook = Webhook(api_server, settings.namespace, names[0])

            async def answers(_: str) -> pulumi.Resource:
                await webhook.wait()
                return self

            self.serving = self.release.id.apply(answers)
        self.register_outputs(outputs)
