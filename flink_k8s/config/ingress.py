"""Flink's web interface behind an ingress: what users may say of it, and what becomes of that in a Flink resource."""

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
"""Annotation of an ingress whose users are asked who they are by something that its other annotations do not show."""

_NAME = re.compile(r"\{\{name\}\}", re.IGNORECASE)
_NAMESPACE = re.compile(r"\{\{namespace\}\}", re.IGNORECASE)


class IngressTls(Model):
    """HTTPS of the ingress; {{name}} and {{namespace}} stand for the job's. Operators have it from 1.8 on."""

    secret_name: str = Field(
        default="{{name}}-ingress-tls", description="Secret with the certificate, in the job's namespace."
    )
    cluster_issuer: str | None = Field(
        default=None, description="cert-manager's ClusterIssuer that makes it; not set: whoever owns it does."
    )


class Ingress(Model):
    """Flink's web interface of every job behind an ingress of the job's own, which the operator makes."""

    enabled: bool = Field(default=False, description="Make one for every job; a job's `ingress.enabled` wins.")
    class_name: str | None = Field(
        default=None, description="IngressClass: nginx, traefik; not set: the cluster's default."
    )
    template: str | None = Field(
        default=None,
        description="Host, and path if wanted: {{name}}.{{namespace}}.flink.example.org; needed when enabled.",
    )
    tls: IngressTls | None = Field(default=None, description="HTTPS; not set: as the controller does by itself.")
    annotations: dict[str, str] = Field(
        default={}, description="Annotations, those by which the controller asks users who they are among them."
    )
    authentication: Literal["annotations", "controller"] = Field(
        default="annotations",
        description="controller: whatever comes in has been asked already, by the controller or by what is before it.",
    )
    controller: Peer | None = Field(
        default=None, description="Whose connections come in, for NetworkPolicies: {namespace: ingress-nginx}."
    )


class JobIngress(Model):
    """What a job says of its ingress otherwise."""

    enabled: bool | None = Field(default=None, description="Whether the job has one; not set: as `ingress` says.")
    template: str | None = Field(default=None, description="Host and path.")
    annotations: dict[str, str | None] | None = Field(
        default=None, description="Further annotations; null takes one away."
    )

    def spec(self, *, is_on: bool) -> dict[str, object]:
        """The part of a resource's spec that this layer asks for.

        Args:
            is_on: whether the job has one in the end.
        """
        if not is_on:
            return {"ingress": None} if self.enabled is False else {}
        said = {"template": self.template, "annotations": self.annotations}
        found = {key: value for key, value in said.items() if value is not None}
        return {"ingress": found} if found else {}


@dataclass(frozen=True)
class Wanted:
    """A job that may have an ingress.

    Attributes:
        kind: of the resource.
        namespace: of the job.
        name: of the job.
        own: what all settings together say of its ingress.
        said: its spec of all later layers, merged.
    """

    kind: FlinkKind
    namespace: str
    name: str
    own: JobIngress | None
    said: Mapping[str, object]

    def is_on(self, settings: Ingress) -> bool:
        """Whether the stack makes one for it."""
        if not self.kind.has_pods:
            return False
        own = None if self.own is None else self.own.enabled
        return settings.enabled if own is None else own


def derived_ingress(job: Wanted, settings: Ingress, operator: str) -> dict[str, object]:
    """The platform's part of a spec: the ingress as the operator makes it. A blue/green deployment has it beside its
    template.

    Args:
        job: which it is of.
        settings: of the stack.
        operator: version of the operator.
    """
    if not job.is_on(settings):
        return {}
    said = job.said.get("ingress")
    template = cast("Mapping[str, Any]", said).get("template") if isinstance(said, dict) else None
    template = str(template or settings.template or "")
    if not template and settings.enabled:
        return {}  # said once, of the stack
    annotations = dict(settings.annotations)
    if settings.authentication == "controller":
        annotations[AUTHENTICATION] = "controller"
    found: dict[str, object] = {}
    if settings.template is not None:
        found["template"] = settings.template
    if settings.class_name is not None:
        found["className"] = settings.class_name
    if settings.tls is not None and has_tls(operator):
        if settings.tls.cluster_issuer is not None:
            annotations["cert-manager.io/cluster-issuer"] = settings.tls.cluster_issuer
        host = _host(_filled(template, job))
        entry: dict[str, object] = {"secretName": _filled(settings.tls.secret_name, job)}
        found["tls"] = [{"hosts": [host], **entry} if host else entry]
    if annotations:
        found["annotations"] = annotations
    return {"ingress": found}


def has_tls(operator: str) -> bool:
    """Whether that version of the operator knows HTTPS of an ingress."""
    table = tables.fields(operator)
    if table is None:
        return True
    kind = cast("dict[str, Any]", table.kinds[FlinkKind.DEPLOYMENT])
    fields = kind.get("fields") or table.types[kind["ref"]]["fields"]
    return "tls" in table.types[fields["ingress"]["ref"]]["fields"]


def _filled(text: str, job: Wanted) -> str:
    return _NAMESPACE.sub(job.namespace, _NAME.sub(job.name, text))


def _host(url: str) -> str:
    """The host that the operator finds in a template: what is before the path, without a port."""
    with_scheme = url if re.match(r"https?://", url, re.IGNORECASE) else f"http://{url}"
    try:
        return urlsplit(with_scheme).hostname or ""
    except ValueError:
        return ""  # said by the operator's rules
