"""Rules for ingresses: Flink's web interface asks nobody who he is, so something before it has to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from flink_k8s.config.findings import Finding, Say
from flink_k8s.config.ingress import AUTHENTICATION, has_tls
from flink_k8s.config.model import StackSettings
from flink_k8s.facts.mappings import mapping

_ASKING = re.compile(
    r"nginx\.ingress\.kubernetes\.io/auth-(url|secret|tls-secret)|nginx\.org/(basic-auth-secret|jwt-key|policies)"
    r"|traefik\.ingress\.kubernetes\.io/router\.middlewares|haproxy\.org/auth-secret"
    r"|haproxy-ingress\.github\.io/(auth-secret|auth-url|auth-tls-secret|oauth)|ingress\.kubernetes\.io/auth-(url|secret)"
    r"|konghq\.com/plugins|projectcontour\.io/auth.*"
)
"""Annotations of controllers that authenticate users, or name what does; their values are not empty."""

_LOAD_BALANCER = "alb.ingress.kubernetes.io/auth-type"
CURE = (
    "give it the controller's annotations for authentication (nginx.ingress.kubernetes.io/auth-url …), or say"
    " ingress.authentication: controller where users are asked before"
)


def look(spec: Mapping[str, object], say: Say) -> None:
    """Looks at the ingress of a FlinkDeployment or FlinkBlueGreenDeployment.

    Args:
        spec: the merged spec.
        say: takes what is found.
    """
    if isinstance(spec.get("ingress"), dict) and not is_authenticated(mapping(spec["ingress"])):
        message = "opens Flink's web interface, which asks nobody who he is, to whoever reaches it"
        say("ingress", ("spec", "ingress"), f"{message}; {CURE}")


def is_authenticated(ingress: Mapping[str, object]) -> bool:
    """Whether its annotations say that users are asked who they are."""
    annotations = {key: str(value).strip() for key, value in mapping(ingress.get("annotations")).items()}
    if annotations.get(AUTHENTICATION) == "controller" or annotations.get(_LOAD_BALANCER, "none") not in ("", "none"):
        return True
    return any(value and _ASKING.fullmatch(key) for key, value in annotations.items())


def look_at_stack(settings: StackSettings) -> Iterator[Finding]:
    """Paths are those of the stack config."""
    ingress = settings.ingress
    if ingress.enabled and not ingress.template:
        cure = 'write it like "{{name}}.{{namespace}}.flink.example.org"'
        yield Finding("operator", ("ingress", "template"), f"is missing, and every job is to have an ingress; {cure}")
    if ingress.tls is not None and not has_tls(settings.operator.version):
        message = f"is nothing that operator {settings.operator.version} knows; take a newer one, or leave HTTPS to the"
        yield Finding("operator", ("ingress", "tls"), f"{message} controller's own certificate")
