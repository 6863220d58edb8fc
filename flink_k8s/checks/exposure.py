"""Flink's REST endpoint outside of the cluster: Services and Ingresses without authentication, and open functions."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.ingress import REMEDY, is_authenticated
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.facts.mappings import listed, mapping

_EXPOSING = {"nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
_REST_SUFFIX = "-rest"


def check(subject: Subject) -> None:
    """Check the Service of a Flink cluster, and the functions of its REST endpoint."""
    effective = subject.effective_job
    service = effective.rest_service
    kind = _EXPOSING.get(service.text.strip().lower()) if service else None
    if service is not None and kind is not None:
        remedy = "remove it and use an authenticated Ingress"
        if kind == "NodePort" and not _operator_lists_nodes(subject):
            remedy += "; otherwise, NodePort also requires operator.values.rbac.nodesRule.create: true"
        message = f"is {kind}, which exposes the unauthenticated REST endpoint outside of the cluster; {remedy}"
        subject.report_spec("exposed-rest", service.path, message)
    submission = effective.option("web.submit.enable")
    if submission is not None and submission.is_true and subject.flink_job is not None:
        message = 'is true, so all clients of the REST endpoint can submit code to this job\'s cluster; write "false"'
        subject.report_spec("exposed-rest", submission.path, message)
    cancellation = effective.option("web.cancel.enable")
    if cancellation is not None and cancellation.is_true:
        message = 'is true, so all users of the web UI can cancel the job; write "false"'
        subject.report_spec("exposed-rest", cancellation.path, message)


def _operator_lists_nodes(subject: Subject) -> bool:
    values = subject.settings.operator.values if subject.settings is not None else {}
    return mapping(mapping(values.get("rbac")).get("nodesRule")).get("create") is True


def check_object(manifest: Mapping[str, object], report: Report) -> None:
    """Check a Service or an Ingress that exposes the REST endpoint of a Flink cluster."""
    spec, kind = mapping(manifest.get("spec")), manifest.get("kind")
    if kind == "Service" and mapping(spec.get("selector")).get("component") == "jobmanager":
        exposing = _EXPOSING.get(str(spec.get("type")).lower())
        if exposing is not None or listed(spec.get("externalIPs")):
            key = "type" if exposing is not None else "externalIPs"
            message = "exposes the unauthenticated REST endpoint of JobManagers outside of the cluster; use an Ingress"
            report("exposed-rest", ("spec", key), f"{message} with authentication")
    elif kind == "Ingress" and not is_authenticated(mapping(manifest.get("metadata"))):
        for index, name in _backends(spec):
            if name.endswith(_REST_SUFFIX):
                message = f"exposes the unauthenticated REST endpoint of {name}; {REMEDY}"
                report("unauthenticated-ingress", ("spec", *index), message)
                return


def _backends(spec: Mapping[str, object]) -> list[tuple[tuple[str | int, ...], str]]:
    """Path and name of the Services behind an Ingress."""
    backends: list[tuple[tuple[str | int, ...], str]] = []
    default = mapping(mapping(spec.get("defaultBackend")).get("service"))
    if default:
        backends.append((("defaultBackend",), str(default.get("name"))))
    for index, rule in enumerate(listed(spec.get("rules"))):
        for number, path in enumerate(listed(mapping(mapping(rule).get("http")).get("paths"))):
            service = mapping(mapping(mapping(path).get("backend")).get("service"))
            backends.append((("rules", index, "http", "paths", number), str(service.get("name"))))
    return backends
