"""Ingresses of the Flink web UI: settings, and the part of a Flink resource that follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field

from flink_k8s.config.base import Model
from flink_k8s.config.network import Peer
from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FlinkKind

AUTHENTICATION = "flink-k8s/authentication"
"""Annotation of an ingress whose users are authenticated although its other annotations do not show it."""

_NAME = re.compile(r"\{\{name\}\}", re.IGNORECASE)
_NAMESPACE = re.compile(r"\{\{namespace\}\}", re.IGNORECASE)


class IngressTls(Model):
    """HTTPS of the ingress, from operator 1.8 on. {{name}} and {{namespace}} are replaced by those of the job."""

    secret_name: str = Field(
        default="{{name}}-ingress-tls", description="Secret with the certificate, in the job's namespace."
    )
    cluster_issuer: str | None = Field(
        default=None,
        description="ClusterIssuer of cert-manager for the certificate; not set: create the Secret yourself.",
    )


class Ingress(Model):
    """Ingresses that expose the Flink web UI; the operator creates one for each job."""

    enabled: bool = Field(default=False, description="Create an ingress for every job; a job's `ingress.enabled` wins.")
    class_name: str | None = Field(
        default=None, description="IngressClass, such as nginx or traefik; not set: the cluster's default."
    )
    template: str | None = Field(
        default=None,
        description="Host and optional path: {{name}}.{{namespace}}.flink.example.org; required if enabled.",
    )
    tls: IngressTls | None = Field(default=None, description="HTTPS; not set: the default of the controller.")
    annotations: dict[str, str] = Field(
        default={}, description="Annotations of the ingress, such as the controller's annotations for authentication."
    )
    authentication: Literal["annotations", "controller"] = Field(
        default="annotations",
        description="controller: users are authenticated by the controller or a proxy before it, without annotations.",
    )
    controller: Peer | None = Field(
        default=None, description="Pods of the controller, for NetworkPolicies: {namespace: ingress-nginx}."
    )


class JobIngress(Model):
    """Ingress settings of a job, which override those of the stack."""

    enabled: bool | None = Field(default=None, description="Whether the job has an ingress; not set: as in `ingress`.")
    template: str | None = Field(default=None, description="Host and path.")
    annotations: dict[str, str | None] | None = Field(
        default=None, description="Further annotations; null removes an annotation."
    )

    def spec(self, *, is_on: bool) -> dict[str, object]:
        """The part of a resource's spec that this source sets.

        Args:
            is_on: whether the job has an ingress after all sources are merged.
        """
        if not is_on:
            return {"ingress": None} if self.enabled is False else {}
        fields = {"template": self.template, "annotations": self.annotations}
        ingress = {key: value for key, value in fields.items() if value is not None}
        return {"ingress": ingress} if ingress else {}


@dataclass(frozen=True)
class JobWithIngress:
    """A job that can have an ingress.

    Attributes:
        kind: of the resource.
        namespace: of the job.
        name: of the job.
        own: its merged ingress settings.
        spec: its spec, merged from all later sources.
    """

    kind: FlinkKind
    namespace: str
    name: str
    own: JobIngress | None
    spec: Mapping[str, object]

    def is_on(self, settings: Ingress) -> bool:
        """Whether the job has an ingress."""
        if not self.kind.has_pods:
            return False
        own = None if self.own is None else self.own.enabled
        return settings.enabled if own is None else own


def derived_ingress(job: JobWithIngress, settings: Ingress, operator: str) -> dict[str, object]:
    """The derived part of a spec: `ingress`, from which the operator creates an Ingress.

    A blue/green deployment has it in its own spec, not in the template.

    Args:
        job: the job.
        settings: of the stack.
        operator: version of the operator.
    """
    if not job.is_on(settings):
        return {}
    own = job.spec.get("ingress")
    template = cast("Mapping[str, Any]", own).get("template") if isinstance(own, dict) else None
    template = str(template or settings.template or "")
    if not template and settings.enabled:
        return {}  # reported once, for the stack
    annotations = dict(settings.annotations)
    if settings.authentication == "controller":
        annotations[AUTHENTICATION] = "controller"
    ingress: dict[str, object] = {}
    if settings.template is not None:
        ingress["template"] = settings.template
    if settings.class_name is not None:
        ingress["className"] = settings.class_name
    if settings.tls is not None and has_tls(operator):
        if settings.tls.cluster_issuer is not None:
            annotations["cert-manager.io/cluster-issuer"] = settings.tls.cluster_issuer
        host = _host(_filled(template, job))
        entry: dict[str, object] = {"secretName": _filled(settings.tls.secret_name, job)}
        ingress["tls"] = [{"hosts": [host], **entry} if host else entry]
    if annotations:
        ingress["annotations"] = annotations
    return {"ingress": ingress}


def has_tls(operator: str) -> bool:
    """Whether the operator version supports HTTPS of an ingress."""
    table = tables.fields(operator)
    kind = cast("dict[str, Any]", table.kinds[FlinkKind.DEPLOYMENT])
    fields = kind.get("fields") or table.types[kind["ref"]]["fields"]
    return "tls" in table.types[fields["ingress"]["ref"]]["fields"]


def _filled(text: str, job: JobWithIngress) -> str:
    return _NAMESPACE.sub(job.namespace, _NAME.sub(job.name, text))


def _host(url: str) -> str:
    """The host in a template as the operator reads it: without path and port."""
    with_scheme = url if re.match(r"https?://", url, re.IGNORECASE) else f"http://{url}"
    try:
        return urlsplit(with_scheme).hostname or ""
    except ValueError:
        return ""  # reported by the rules
