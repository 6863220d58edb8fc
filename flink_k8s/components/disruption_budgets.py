"""PodDisruptionBudgets of a job's pods."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs, ObjectMetaArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget, PodDisruptionBudgetSpecArgs

from flink_k8s.components.component import resource_name
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.availability import DisruptionBudget
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.traffic import clusters


def disruption_budget(job: Job, budget: DisruptionBudget, opts: pulumi.ResourceOptions) -> PodDisruptionBudget:
    """The PodDisruptionBudget of the pods of one process. The provider does not wait for its pods.

    Args:
        job: the merged job.
        budget: name, process and number of pods.
        opts: parent; must depend on the namespace.
    """
    of_job = LabelSelectorRequirementArgs(key="app", operator="In", values=[*clusters(job)])
    return PodDisruptionBudget(
        resource_name(f"{job.namespace}/{budget.name}", opts),
        metadata=ObjectMetaArgs(name=budget.name, namespace=job.namespace, labels=labels(budget.name)),
        spec=PodDisruptionBudgetSpecArgs(
            min_available=budget.min_available,
            selector=LabelSelectorArgs(match_labels={"component": budget.component}, match_expressions=[of_job]),
        ),
        opts=opts,
    )
