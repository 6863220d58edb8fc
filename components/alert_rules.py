"""The stack's alert rules, as a PrometheusRule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pulumi

from components.kubernetes_object import KubernetesObject
from flink_k8s.facts.labels import labels
from flink_k8s.monitoring.alerts import groups
from flink_k8s.resolve.declared_stack import DeclaredStack

NAME = "flink-alerts"


def alert_rules(
    platform: DeclaredStack,
    namespace: str,
    needed: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> KubernetesObject | None:
    """The rules; None when the stack wants no alert.

    Args:
        platform: what the stack declares.
        namespace: where they are put.
        needed: what brings that namespace and the kind PrometheusRule.
        opts: provider.
    """
    settings = platform.settings.prometheus
    declared = Counter((job.namespace, job.kind) for job in platform.jobs)
    found = groups(settings.alerts, platform.settings.operator.namespace, declared)
    if not found or not settings.alerts.enabled:
        return None
    return KubernetesObject(
        NAME,
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": NAME, "namespace": namespace, "labels": {**labels(NAME), **settings.labels}},
            "spec": {"groups": found},
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(needed))),
    )
