"""Derived values of a job with `availability`: fields of its pods, and PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flink_k8s.config.availability_model import Availability
from flink_k8s.config.model import JobSettings, StackSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.job_spec import in_template
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.state_storage import Resource
from flink_k8s.resolve.traffic import clusters_of, policy_name

_TOPOLOGY: Final = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}

_POOL: Final = {
    "karpenter": "karpenter.sh/nodepool",
    "eks": "eks.amazonaws.com/nodegroup",
    "gke": "cloud.google.com/gke-nodepool",
    "aks": "kubernetes.azure.com/agentpool",
}
"""The label of a node with the name of its pool, by provider."""

_SPOT: Final = {
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
    "eks": ("eks.amazonaws.com/capacityType", "SPOT"),
    "gke": ("cloud.google.com/gke-spot", "true"),
    "aks": ("kubernetes.azure.com/scalesetpriority", "spot"),
}
"""The label of a spot node, by provider. AKS sets a taint of the same key and value; GKE recommends it."""

_TAINTED: Final = ("gke", "aks")


@dataclass(frozen=True)
class DisruptionBudget:
    """A PodDisruptionBudget.

    Attributes:
        name: of the object.
        component: `jobmanager` or `taskmanager`.
        min_available: number of pods that keep running. Flink creates TaskManagers without a workload, so Kubernetes
            does not know their number, and would apply `maxUnavailable` to the number of JobManagers.
    """

    name: str
    component: str
    min_available: int


def disruption_budgets(job: Job, settings: StackSettings) -> Iterator[DisruptionBudget]:
    """The PodDisruptionBudgets of a job's pods; none for a suspended job and for processes of which all may be stopped.

    Args:
        job: merged.
        settings: of its stack.
    """
    availability = job.settings.availability
    if availability is None or availability.max_unavailable is None or not job.kind.has_pods:
        return
    for pods in resource_requests.pod_owner(job, settings).pods(at="minimum"):
        unavailable = 1 if pods.process == "jobManager" else availability.max_unavailable
        if pods.number > unavailable:
            component = pods.process.lower()
            yield DisruptionBudget(f"{policy_name(job)}-{component}", component, pods.number - unavailable)


def derived_availability(resource: Resource, settings: JobSettings) -> dict[str, object]:
    """The derived part of the spec; empty for a job without `availability`.

    A field that a pod template of the job sets is not derived for that process.

    Args:
        resource: the resource.
        settings: of the job, merged from all sources.
    """
    availability = settings.availability
    if availability is None or not resource.kind.has_pods:
        return {}
    derived: dict[str, object] = {}
    for template in templates(resource.inner):
        fields = _pod(availability, template.process, clusters_of(resource.kind, resource.name))
        own_labels = mapping(template.pod.get("nodeSelector"))
        nodes = {key: label for key, label in mapping(fields.pop("nodeSelector", {})).items() if key not in own_labels}
        pod = {field: value for field, value in fields.items() if field not in template.pod}
        pod |= {"nodeSelector": nodes} if nodes else {}
        if pod:
            derived[template.process] = {"podTemplate": {"spec": pod}}
    return in_template(resource.kind, derived) if derived else {}


def _pod(availability: Availability, process: str, clusters: tuple[str, ...]) -> dict[str, object]:
    """The fields of the pods of a process."""
    pod: dict[str, object] = {}
    if availability.priority_class is not None:
        pod["priorityClassName"] = availability.priority_class
    if availability.spread in _TOPOLOGY:
        pod["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": _TOPOLOGY[availability.spread],
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {
                    "matchLabels": {"component": process.lower()},
                    "matchExpressions": [{"key": "app", "operator": "In", "values": [*clusters]}],
                },
            }
        ]
    nodes: dict[str, object] = {}
    provider = availability.provider
    if provider is not None:
        is_spot = availability.spot and process == "taskManager"
        if availability.node_pool is not None and (is_spot or not availability.spot):
            nodes[_POOL[provider]] = availability.node_pool
        if is_spot:
            label, value = _SPOT[provider]
            nodes[label] = value
            if provider in _TAINTED:
                pod["tolerations"] = [{"key": label, "operator": "Equal", "value": value, "effect": "NoSchedule"}]
    return {**pod, "nodeSelector": nodes} if nodes else pod
