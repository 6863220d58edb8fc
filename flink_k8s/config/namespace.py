"""A team's namespace as a model: Pod Security, quota, limits, rights, pull secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from flink_k8s.config.base import Model, matching, scalar_text
from flink_k8s.config.network import Endpoint
from flink_k8s.config.secret_model import ExternalSecret, SecretName
from flink_k8s.facts import units as values
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind

PodSecurityLevel = Literal["restricted", "baseline", "privileged"]

POD_SECURITY_LABEL = "pod-security.kubernetes.io/"
"""Prefix of the labels by which Kubernetes applies a Pod Security profile to a namespace."""


def _quantity(text: str) -> str:
    if values.quantity(text) < 0:
        raise ValueError(f"is negative; {values.QUANTITY}")
    return text


Quantity = Annotated[
    str,
    BeforeValidator(scalar_text),
    AfterValidator(_quantity),
    WithJsonSchema({"type": ["string", "number"]}, mode="validation"),
]


def pod_security_labels(level: PodSecurityLevel, version: str = versions.POD_SECURITY) -> dict[str, str]:
    """Labels of a namespace that enforce a profile, warn about violations, and record them in the audit log.

    Args:
        level: the profile.
        version: the Kubernetes version of the profile.
    """
    labels: dict[str, str] = {}
    for mode in ("enforce", "warn", "audit"):
        labels[f"{POD_SECURITY_LABEL}{mode}"] = level
        labels[f"{POD_SECURITY_LABEL}{mode}-version"] = version
    return labels


class Quota(Model):
    """Bounds of all requests in a namespace together: a ResourceQuota. A field that is not set has no bound."""

    cpu: Quantity | None = Field(default=None, description="CPUs that all pods may request together: 8, 500m.")
    memory: Quantity | None = Field(default=None, description="Memory that all pods may request together: 32Gi.")
    pods: int | None = Field(default=None, ge=0, description="Number of pods that have not terminated.")
    storage: Quantity | None = Field(default=None, description="Storage that all claims may request together: 100Gi.")
    claims: int | None = Field(default=None, ge=0, description="Number of PersistentVolumeClaims.")
    deployments: int | None = Field(default=None, ge=0, description="Number of FlinkDeployments.")
    session_jobs: int | None = Field(default=None, ge=0, description="Number of FlinkSessionJobs.")
    snapshots: int | None = Field(
        default=None, ge=0, description="Number of FlinkStateSnapshots, including periodic ones of the operator."
    )
    blue_green_deployments: int | None = Field(
        default=None, ge=0, description="Number of FlinkBlueGreenDeployments; each creates up to two FlinkDeployments."
    )
    hard: dict[str, Quantity] = Field(
        default={}, description="Further bounds by their Kubernetes names, such as limits.memory or count/secrets."
    )

    def bounds(self) -> dict[str, str]:
        """Bounds by Kubernetes' resource name, without the numbers of Flink resources."""
        bounds = {name: getattr(self, field) for field, name in BOUNDS.items()}
        return {name: str(bound) for name, bound in bounds.items() if bound is not None} | dict(self.hard)

    def counts(self) -> dict[str, str]:
        """Bounds of the numbers of Flink resources, which Kubernetes accepts only after their CRDs exist."""
        counts = {name: getattr(self, field) for field, (_, name) in COUNTS.items()}
        return {name: str(bound) for name, bound in counts.items() if bound is not None}


BOUNDS: Mapping[str, str] = {
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "pods": "pods",
    "storage": "requests.storage",
    "claims": "persistentvolumeclaims",
}
"""Field of a quota to Kubernetes' name."""

COUNTS: Mapping[str, tuple[str, str]] = {
    field: (kind, f"count/{kind.resource}")
    for field, kind in (
        ("deployments", FlinkKind.DEPLOYMENT),
        ("session_jobs", FlinkKind.SESSION_JOB),
        ("snapshots", FlinkKind.SNAPSHOT),
        ("blue_green_deployments", FlinkKind.BLUE_GREEN),
    )
}
"""Field of a quota to kind and Kubernetes' name."""


class Amounts(Model):
    """CPU and memory of one container."""

    cpu: Quantity | None = Field(default=None, description="CPUs: 2, 500m.")
    memory: Quantity | None = Field(default=None, description="Memory: 4Gi, 512Mi.")

    def named(self) -> dict[str, str]:
        """The amounts that are set, by Kubernetes' resource name."""
        return {name: amount for name, amount in (("cpu", self.cpu), ("memory", self.memory)) if amount is not None}


class Limits(Model):
    """Bounds of single containers and claims, and defaults of containers: a LimitRange."""

    min: Amounts = Field(default=Amounts(), description="Minimum request of a container.")
    default_request: Amounts = Field(default=Amounts(), description="Default request of a container.")
    default: Amounts = Field(default=Amounts(), description="Default limit of a container.")
    max: Amounts = Field(default=Amounts(), description="Maximum limit of a container.")
    claim: Quantity | None = Field(default=None, description="Maximum size of a PersistentVolumeClaim: 50Gi.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Require min <= defaultRequest <= default <= max, as Kubernetes does."""
        ordered = [
            (name, part.named())
            for name, part in (
                ("min", self.min),
                ("defaultRequest", self.default_request),
                ("default", self.default),
                ("max", self.max),
            )
        ]
        for place, (low, lower) in enumerate(ordered):
            for high, upper in ordered[place + 1 :]:
                for resource in lower.keys() & upper.keys():
                    if values.quantity(lower[resource]) > values.quantity(upper[resource]):
                        raise ValueError(
                            f"contains {low}.{resource} {lower[resource]}, which exceeds {high}.{resource} "
                            f"{upper[resource]}; lower the first or raise the second"
                        )
        return self

    def items(self) -> list[dict[str, object]]:
        """The `limits` of a LimitRange; empty if nothing is bounded."""
        container = {
            "min": self.min.named(),
            "defaultRequest": self.default_request.named(),
            "default": self.default.named(),
            "max": self.max.named(),
        }
        bounded: dict[str, object] = {name: part for name, part in container.items() if part}
        limits: list[dict[str, object]] = [{"type": "Container", **bounded}] if bounded else []
        if self.claim is not None:
            limits.append({"type": "PersistentVolumeClaim", "max": {"storage": self.claim}})
        return limits


Subject = Annotated[
    str,
    matching(
        r"(user|group):\S(.*\S)?|serviceAccount:[a-z0-9.-]+/[a-z0-9.-]+",
        "is not a subject; write user:<name>, group:<name> or serviceAccount:<namespace>/<name>",
    ),
]


PodSecurityVersion = Annotated[
    str, matching(r"latest|v1\.\d+", 'is not a version of a profile; write a version such as "v1.34", or latest')
]


class Access(Model):
    """Who may do what in the namespace; each level includes the previous one. Subjects: docs/security.md."""

    view: list[Subject] = Field(default=[], description="Subjects that read jobs, pods, logs and events; no Secrets.")
    operate: list[Subject] = Field(
        default=[], description="Subjects that also take savepoints, restart pods and open the web UI."
    )
    deploy: list[Subject] = Field(
        default=[], description="Subjects that also deploy a team's stack; they can read the namespace's Secrets."
    )


def is_in_every_cluster(name: str) -> bool:
    """Whether the namespace exists in every cluster: no stack can create it, and others use it."""
    return name == "default" or name.startswith("kube-")


class NamespaceSettings(Model):
    """A namespace for jobs; Kubernetes enforces its profile, quota and limits."""

    create: bool | None = Field(
        default=None,
        description="Whether the stack creates and owns the namespace. false: it exists, and gets neither labels nor a "
        "default-deny policy. Not set: true, except for default and kube-*, which exist in every cluster.",
    )
    create_account: bool = Field(
        default=True,
        description="Whether the stack creates the ServiceAccount `flink` and its Role; false: the accounts exist.",
    )
    labels: dict[str, str] = Field(default={}, description="Further labels of the namespace.")
    alert_labels: dict[str, str] = Field(
        default={},
        description="Labels of all alerts about the namespace and its jobs, in place of those of"
        " `prometheus.alerts.labels`: {team: orders}.",
    )
    pod_security: PodSecurityLevel = Field(default="restricted", description="Pod Security profile of the namespace.")
    pod_security_version: PodSecurityVersion = Field(
        default=versions.POD_SECURITY,
        description="Kubernetes version of the profile: v1.34, or latest, which changes with the cluster.",
    )
    quota: Quota = Field(default=Quota(), description="Bounds of all requests in the namespace together.")
    limits: Limits = Field(default=Limits(), description="Bounds and defaults of single containers and claims.")
    egress: list[Endpoint] = Field(
        default=[], description="Allowed egress of all pods in the namespace: sources and sinks of all jobs."
    )
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets in the namespace for pulling the jobs' images; create them yourself."
    )
    access: Access = Field(default=Access(), description="Rights of people and CI in the namespace.")
    external_secrets: dict[SecretName, ExternalSecret] = Field(
        default={},
        description="Secrets in the namespace that are synchronized from another store, by name: docs/security.md.",
    )

    def is_created(self, name: str) -> bool:
        """Whether the stack creates the namespace of that name."""
        return not is_in_every_cluster(name) if self.create is None else self.create
