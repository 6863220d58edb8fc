"""Rules for ingresses: the Flink web UI is unauthenticated, so the ingress controller must authenticate users."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.ingress import AUTHENTICATION, has_tls
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import mapping

_AUTHENTICATION_ANNOTATION = re.compile(
    r"nginx\.ingress\.kubernetes\.io/auth-(url|secret|tls-secret)|nginx\.org/(basic-auth-secret|jwt-key|policies)"
    r"|traefik\.ingress\.kubernetes\.io/router\.middlewares|haproxy\.org/auth-secret"
    r"|haproxy-ingress\.github\.io/(auth-secret|auth-url|auth-tls-secret|oauth)|ingress\.kubernetes\.io/auth-(url|secret)"
    r"|konghq\.com/plugins|projectcontour\.io/auth.*"
)
"""Annotations by which controllers authenticate users, or refer to authentication; their values are not empty."""

_LOAD_BALANCER = "alb.ingress.kubernetes.io/auth-type"
REMEDY = (
    "set the controller's annotations for authentication (nginx.ingress.kubernetes.io/auth-url …), or"
    " ingress.authentication: controller if users are authenticated before"
)


def check(subject: Subject) -> None:
    """Check the ingress of a Flink cluster."""
    written = mapping(subject.manifest.get("spec")).get("ingress")
    if not isinstance(written, dict):
        return
    ingress = cast(Mapping[str, object], written)
    if not is_authenticated(ingress):
        message = f"exposes the unauthenticated Flink web UI; {REMEDY}"
        subject.report("unauthenticated-ingress", ("spec", "ingress"), message)
    template = ingress.get("template")
    is_of_stack = subject.settings is not None and template == subject.settings.ingress.template
    if isinstance(template, str) and not is_of_stack:
        if all(finding.path != ("spec", "ingress", "template") for finding in subject.findings):
            _check_host(template, ("spec", "ingress", "template"), subject.report)
        _check_path(template, ingress.get("annotations"), ("spec", "ingress", "template"), subject.report)


_REWRITE = (
    "set the controller's annotation that removes the path (nginx.ingress.kubernetes.io/rewrite-target: /$2), or use"
    ' a host: "{{name}}.{{namespace}}.example.org"'
)
_REWRITING_ANNOTATION = re.compile(r".*(rewrite|middlewares|strip-path|plugins|transforms|actions\.).*")


_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?")
_IN_HOST = re.compile(r"\{\{(name|namespace)\}\}", re.IGNORECASE)
"""The variables that the operator replaces."""


def _check_host(template: str, path: KeyPath, report: Report) -> None:
    """Report a template whose host Kubernetes refuses, for example because of a misspelt variable."""
    host = (template.partition("://")[2] or template).partition("/")[0]
    if host and not _HOST.fullmatch(_IN_HOST.sub("a", host)):
        remedy = "use {{name}} and {{namespace}}, lower-case letters, digits, - and ."
        report("operator-validation", path, f'has the host "{host}", which Kubernetes refuses; {remedy}')


def _check_path(template: str, annotations: object, path: KeyPath, report: Report) -> None:
    """Report a template with a path that no annotation removes."""
    path_of_host = template.partition("://")[2] or template
    _, slash, rest = path_of_host.partition("/")
    if rest.strip("/") and not any(_REWRITING_ANNOTATION.fullmatch(key) for key in mapping(annotations)):
        report("ingress-path", path, f"has the path {slash}{rest}, but Flink's web UI is at /; {_REWRITE}")


def is_authenticated(ingress: Mapping[str, object]) -> bool:
    """Whether the annotations of the ingress authenticate users."""
    annotations = {key: str(value).strip() for key, value in mapping(ingress.get("annotations")).items()}
    if annotations.get(AUTHENTICATION) == "controller" or annotations.get(_LOAD_BALANCER, "none") not in ("", "none"):
        return True
    return any(value and _AUTHENTICATION_ANNOTATION.fullmatch(key) for key, value in annotations.items())


def check_stack(stack: StackSubject) -> None:
    """Check the ingress of the stack config."""
    settings, ingress = stack.settings, stack.settings.ingress
    if ingress.enabled and not ingress.template:
        remedy = 'set a host, for example "{{name}}.{{namespace}}.flink.example.org"'
        message = f"is missing, but ingress.enabled is true; {remedy}"
        stack.report("operator-validation", ("ingress", "template"), message)
    if ingress.template:
        _check_host(ingress.template, ("ingress", "template"), stack.report)
        _check_path(ingress.template, ingress.annotations, ("ingress", "template"), stack.report)
    if ingress.tls is not None and not has_tls(settings.operator.version):
        message = f"is not supported by operator {settings.operator.version}; upgrade the operator, or use the default"
        stack.report("operator-validation", ("ingress", "tls"), f"{message} certificate of the controller")
