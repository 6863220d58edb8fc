"""Rules for ingresses: Flink's web interface asks nobody who he is, so something before it has to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config.ingress import AUTHENTICATION, has_tls
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


def check(subject: Subject) -> None:
    """The ingress of a Flink cluster."""
    ingress = mapping(subject.manifest.get("spec")).get("ingress")
    if isinstance(ingress, dict) and not is_authenticated(mapping(cast(object, ingress))):
        message = "opens Flink's web interface, which asks nobody who he is, to whoever reaches it"
        subject.report("unauthenticated-ingress", ("spec", "ingress"), f"{message}; {CURE}")


def is_authenticated(ingress: Mapping[str, object]) -> bool:
    """Whether its annotations say that users are asked who they are."""
    annotations = {key: str(value).strip() for key, value in mapping(ingress.get("annotations")).items()}
    if annotations.get(AUTHENTICATION) == "controller" or annotations.get(_LOAD_BALANCER, "none") not in ("", "none"):
        return True
    return any(value and _ASKING.fullmatch(key) for key, value in annotations.items())


def check_stack(stack: StackSubject) -> None:
    """The stack config's ingress."""
    settings, ingress = stack.settings, stack.settings.ingress
    if ingress.enabled and not ingress.template:
        cure = 'write it like "{{name}}.{{namespace}}.flink.example.org"'
        stack.report(
            "operator-validation", ("ingress", "template"), f"is missing, and every job is to have an ingress; {cure}"
        )
    if ingress.tls is not None and not has_tls(settings.operator.version):
        message = f"is nothing that operator {settings.operator.version} knows; take a newer one, or leave HTTPS to the"
        stack.report("operator-validation", ("ingress", "tls"), f"{message} controller's own certificate")
