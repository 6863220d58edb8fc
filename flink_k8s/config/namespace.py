"""A team's namespace as a model: Pod Security, quota, limits, pull secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from flink_k8s.config.base import Model, scalar_text
from flink_k8s.config.network import Endpoint
from flink_k8s.config.secret_model import ExternalSecret, SecretName
from flink_k8s.facts import units as values
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind

PodSecurityLevel = Literal["restricted", "baseline", "privileged"]

POD_SECURITY_LABEL = "pod-security.kubernetes.io/"
"""Beginning of the labels by which Kubernetes holds the pods of a namespace to a profile."""


def _quantity(text: str) -> str:
    if values.quantity(text) < 0:
        raise ValueError(f"is less than nothing; {values.QUANTITY}")
    return text


Quantity = Annotated[
    str,
    BeforeValidator(scalar_text),
    AfterValidator(_quantity),
    WithJsonSchema({"type": ["string", "number"]}, mode="validation"),
]


def pod_security_labels(level: PodSecurityLevel, version: str = versions.POD_SECURITY) -> dict[str, str]:
    """Labels of a namespace that refuse a pod outside of a profile, warn whoever applies it, and have it audited.

    Args:
        level: the profile.
        version: of Kubernetes whose profile is meant.
    """
    found: dict[str, str] = {}
    for mode in ("enforce", "warn", "audit"):
        found[f"{POD_SECURITY_LABEL}{mode}"] = level
        found[f"{POD_SECURITY_LABEL}{mode}-version"] = version
    return found


class Quota(Model):
    """What everything in a namespace may ask for together: a ResourceQuota. What is not said has no bound."""

    cpu: Quantity | None = Field(default=None, description="CPUs that its pods may request together: 8, 500m.")
    memory: Quantity | None = Field(default=None, description="Memory that its pods may request together: 32Gi.")
    pods: int | None = Field(default=None, ge=0, description="Number of pods that have not ended.")
    storage: Quantity | None = Field(default=None, description="Storage that its claims may request together: 100Gi.")
    claims: int | None = Field(default=None, ge=0, description="Number of PersistentVolumeClaims.")
    deployments: int | None = Field(default=None, ge=0, description="Number of FlinkDeployments.")
    session_jobs: int | None = Field(default=None, ge=0, description="Number of FlinkSessionJobs.")
    snapshots: int | None = Field(
        default=None, ge=0, description="Number of FlinkStateSnapshots; the operator's periodic ones count, too."
    )
    blue_green_deployments: int | None = Field(
        default=None, ge=0, description="Number of FlinkBlueGreenDeployments; each makes up to two FlinkDeployments."
    )
    hard: dict[str, Quantity] = Field(
        default={}, description="Further bounds by Kubernetes' own names, such as limits.memory or count/secrets."
    )

    def bounds(self) -> dict[str, str]:
        """Kubernetes' name of what is bounded to the bound, but for the numbers of Flink resources."""
        said = {name: getattr(self, field) for field, name in BOUNDS.items()}
        return {name: str(bound) for name, bound in said.items() if bound is not None} | dict(self.hard)

    def counts(self) -> dict[str, str]:
        """The same for the numbers of Flink resources: those can be counted only where their kinds are known."""
        said = {name: getattr(self, field) for field, (_, name) in COUNTS.items()}
        return {name: str(bound) for name, bound in said.items() if bound is not None}


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
        """By Kubernetes' names, without what is not said."""
        return {name: said for name, said in (("cpu", self.cpu), ("memory", self.memory)) if said is not None}


class Limits(Model):
    """Bounds of each container and claim, and what a container gets that says nothing: a LimitRange."""

    min: Amounts = Field(default=Amounts(), description="The least that a container may request.")
    default_request: Amounts = Field(default=Amounts(), description="Request of a container that has none.")
    default: Amounts = Field(default=Amounts(), description="Limit of a container that has none.")
    max: Amounts = Field(default=Amounts(), description="The most that a container's limit may be.")
    claim: Quantity | None = Field(default=None, description="The largest PersistentVolumeClaim: 50Gi.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Kubernetes refuses a LimitRange whose bounds cross each other."""
        ordered = [
            (name, part.named())
            for name, part in (
                ("min", self.min),
                ("defaultRequest", self.default_request),
                ("default", self.default),
                ("max", self.max),
            )
        ]
        for place, (low, below) in enumerate(ordered):
            for high, above in ordered[place + 1 :]:
                for resource in below.keys() & above.keys():
                    if values.quantity(below[resource]) > values.quantity(above[resource]):
                        raise ValueError(
                            f"has a {low}.{resource} of {below[resource]}, more than {high}.{resource}, "
                            f"{above[resource]}; lower the first or raise the second"
                        )
        return self

    def items(self) -> list[dict[str, object]]:
        """As a LimitRange has them; none when nothing is bounded."""
        container = {
            "min": self.min.named(),
            "defaultRequest": self.default_request.named(),
            "default": self.default.named(),
            "max": self.max.named(),
        }
        said: dict[str, object] = {name: part for name, part in container.items() if part}
        found: list[dict[str, object]] = [{"type": "Container", **said}] if said else []
        if self.claim is not None:
            found.append({"type": "PersistentVolumeClaim", "max": {"storage": self.claim}})
        return found


def is_every_clusters(name: str) -> bool:
    """Whether every cluster has the namespace: no stack can create it, and others use it."""
    return name == "default" or name.startswith("kube-")


class NamespaceSettings(Model):
    """A team's namespace: what runs there is held to these bounds by Kubernetes itself."""

    create: bool | None = Field(
        default=None,
        description="Whether the stack creates and owns the namespace. false: it exists, and gets no labels and no "
        "policy that denies traffic. Not set: true, but for default and kube-*, which every cluster has.",
    )
    labels: dict[str, str] = Field(default={}, description="Further labels of the namespace.")
    pod_security: PodSecurityLevel = Field(
        default="restricted", description="Profile of Pod Security that every pod in it must keep."
    )
    pod_security_version: str = Field(
        default=versions.POD_SECURITY,
        pattern=r"^(latest|v1\.\d+)$",
        description="Kubernetes version whose profile is meant: v1.34, or latest, which changes with the cluster.",
    )
    quota: Quota = Field(default=Quota(), description="What everything in it may ask for together.")
    limits: Limits = Field(default=Limits(), description="What each container in it may ask for.")
    egress: list[Endpoint] = Field(
        default=[], description="What every pod in it may reach: sources and sinks of all jobs."
    )
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets in it with which the jobs' images are pulled; whoever owns them makes them."
    )
    external_secrets: dict[SecretName, ExternalSecret] = Field(
        default={}, description="Secrets in it that come out of another store, by name: docs/security.md."
    )

    def is_created(self, name: str) -> bool:
        """Whether the stack creates the namespace, which has that name."""
        return not is_every_clusters(name) if self.create is None else self.create
