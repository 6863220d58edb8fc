"""The Flink Kubernetes operator."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

from components import webhook_keystore
from components.cert_manager import CertManager
from components.crds import Definitions
from components.namespace import JobNamespace, namespace
from components.network_policies import operator_policies
from components.release import install
from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts import versions
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.webhook import Webhook
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import PROMETHEUS_REPORTER
from flink_k8s.resolve.traffic import OPERATOR_METRICS_PORT as METRICS_PORT

_CONFIGURATION = {
    "kubernetes.operator.metrics.reporter.prom.factory.class": PROMETHEUS_REPORTER,
    "kubernetes.operator.metrics.reporter.prom.port": str(METRICS_PORT),
    # Names of namespaces and resources stay as they are written: by default the reporter makes team_a of team-a.
    "kubernetes.operator.metrics.reporter.prom.filterLabelValueCharacters": "false",
    # The chart's own block has these two; setting the block drops them.
    "kubernetes.operator.reconcile.interval": "15 s",
    "kubernetes.operator.observer.progress-check.interval": "5 s",
}

_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def values(settings: OperatorSettings, watched: Sequence[str]) -> dict[str, Any]:
    """The chart's values, before the user's own.

    Args:
        settings: of the operator.
        watched: the namespaces whose Flink resources it looks after.
    """
    configuration = "".join(
        f"{key}: {value}\n" for key, value in sorted({**_CONFIGURATION, **settings.configuration}.items())
    )
    known = versions.OPERATORS.get(settings.version)
    return {
        "watchNamespaces": sorted(watched),
        # Without a port here the pod has none called `metrics`, and a PodMonitor scrapes nothing.
        "metrics": {"port": METRICS_PORT},
        "defaultConfiguration": {
            "create": True,
            # The chart's own block, which opens to Flink what Java 17 keeps closed, stays before ours.
            "append": True,
            known.config_file if known else "config.yaml": configuration,
        },
        # The chart restarts nothing when the configuration changes.
        "operatorPod": {"annotations": {"flink-k8s/config-hash": _digest(configuration)}},
        # The program owns the jobs' accounts: the chart's would outlive an uninstall.
        "jobServiceAccount": {"create": False},
        "rbac": {"jobRole": {"create": False}, "jobRoleBinding": {"create": False}},
        "webhook": webhook_keystore.values(settings),
        # The chart looks every 10 s, and every job waits for it. It gives up after as long as there.
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
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class FlinkOperator(pulumi.ComponentResource):
    """Namespace and release of the operator, and its CRDs.

    Attributes:
        namespace: for what merely lies in it, and need not wait for the operator.
        serving: the operator once its webhook answers: for Flink's resources.
    """

    def __init__(
        self,
        platform: DeclaredStack,
        watched: Mapping[str, JobNamespace],
        cert_manager: CertManager | None,
        api_server: ApiServer,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            platform: what the stack declares.
            watched: namespaces of jobs by name; they must exist, since the chart makes a Role in each.
            cert_manager: makes the webhook's certificate; None when the cluster has it.
            api_server: where its CRDs go.
            opts: provider.
        """
        super().__init__("flink-k8s:index:FlinkOperator", "flink-operator", None, opts)
        settings, charts = platform.settings.operator, platform.settings.charts
        own = self.namespace = namespace(settings.namespace, opts=pulumi.ResourceOptions(parent=self))
        policies = operator_policies(platform, own, self)
        needed: list[pulumi.Resource] = [own, *policies, *(one for home in watched.values() for one in home.before)]
        if settings.webhook and cert_manager is not None:
            needed.append(cert_manager)
        before_release = [Definitions(api_server, settings.version, opts.provider).hook()]
        if webhook_keystore.makes_password(settings):
            inside = pulumi.ResourceOptions(parent=self, depends_on=[own])
            needed.append(webhook_keystore.secret(settings, versions.OPERATOR_RELEASE, inside))
            before_release.append(webhook_keystore.OldKeystore(api_server, settings.namespace).hook())
        hooks = pulumi.ResourceHookBinding(before_create=before_release, before_update=before_release)
        self.release = install(
            versions.OPERATOR_RELEASE,
            versions.OPERATOR,
            settings.version,
            charts=charts,
            source=charts.operator,
            namespace=settings.namespace,
            values=values(settings, list(watched)),
            overrides=settings.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed, hooks=hooks),
        )
        self.serving: pulumi.Input[pulumi.Resource] = self
        if settings.webhook and watched and not pulumi.runtime.is_dry_run():
            answers = asyncio.ensure_future(self._answers(Webhook(api_server, settings.namespace, min(watched))))
            self.serving = pulumi.Output.from_input(answers).apply(lambda _: cast(pulumi.Resource, self))
        self.register_outputs({})

    async def _answers(self, webhook: Webhook) -> None:
        await self.release.id.future()
        await webhook.wait()
