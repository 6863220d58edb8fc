"""Rules about TLS between a job's processes: kinds without pods, conflicting settings, limits of cert-manager."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.secret_model import INTERNAL_TLS_FOLDER
from flink_k8s.config.tls_model import LONGEST, InternalTls
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import seconds
from flink_k8s.resolve import internal_tls as tls
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec, templates

_MINOR = re.compile(r"v?(\d+)\.(\d+)")
_MIN_CERT_MANAGER = (1, 17)
"""The first version of cert-manager that accepts the password of a keystore as text."""

RULE = "internal-tls"
_ALERT = "FlinkInternalCertificateOld"
_HOUR = 3600
_MIN_RENEWAL = 300
"""Seconds before the end of a certificate; cert-manager accepts no less."""


def check(stack: StackSubject) -> None:
    """Check `internalTls` of all jobs, and the names of the objects that it creates."""
    settings = stack.settings
    jobs_of_objects: dict[tuple[str, str, str], Job] = {}
    for job in stack.jobs:
        if job.own.internal_tls is not None and not job.kind.has_pods:
            message = f"has no effect for a {job.kind}, which has no pods of its own; remove it"
            if job.kind == FlinkKind.SESSION_JOB:
                cluster = job.session_cluster or "its cluster"
                message = f"has no effect for a FlinkSessionJob, which runs in the pods of {cluster}; set it there"
            _report(stack, RULE, job, message, only_own=True)
        internal_tls = job.settings.internal_tls
        if internal_tls is None or not tls.has_internal_tls(job.kind, job.settings):
            continue
        _check_cert_manager(stack, job, settings)
        _check_lifetimes(stack, job, internal_tls)
        _check_spec(stack, job)
        authority, root = tls.authority_name(job.kind, job.name), tls.root_name(job.kind, job.name)
        certificate = tls.certificate_name(job.kind, job.name)
        for kind, name in (
            ("Certificate", certificate),
            ("Secret", certificate),
            ("Certificate", authority),
            ("Secret", authority),
            ("Issuer", authority),
            ("Issuer", root),
        ):
            jobs_of_objects[kind, job.namespace, name] = job
    for attachment in stack.attachments:
        job = jobs_of_objects.get((attachment.source.kind, attachment.namespace, attachment.source.name))
        if job is not None:
            message = f"is the name of an object that internalTls of {job.name} creates; choose another name"
            stack.report("duplicate-object", ("metadata", "name"), message, attachment.source)


def check_alert(stack: StackSubject) -> None:
    """Report certificates that can expire before the alert about old certificates fires."""
    settings = stack.settings
    alerts = settings.prometheus.alerts
    if not settings.prometheus.monitors or not alerts.enabled or _ALERT in alerts.off:
        return
    for job in stack.jobs:
        internal_tls = job.settings.internal_tls
        if internal_tls is None or not tls.has_internal_tls(job.kind, job.settings):
            continue
        if seconds(internal_tls.renewal) <= seconds(alerts.certificate_age):
            problem = f"is {internal_tls.renewal}, but {_ALERT} fires only after {alerts.certificate_age}"
            message = f"{problem}; lower prometheus.alerts.certificateAge, or set a longer duration"
            _report(stack, "certificate-lifetime", job, message, "renewBefore")


def _report(stack: StackSubject, rule: str, job: Job, message: str, *path: str, only_own: bool = False) -> None:
    stack.report_setting(rule, job, "internalTls", message, *path, only_own=only_own)


def _check_cert_manager(stack: StackSubject, job: Job, settings: StackSettings) -> None:
    version = _MINOR.match(settings.cert_manager.version)
    if settings.cert_manager.enabled and version and (int(version[1]), int(version[2])) < _MIN_CERT_MANAGER:
        minimum = ".".join(map(str, _MIN_CERT_MANAGER))
        remedy = f"set certManager.version to v{minimum} or newer"
        message = f"requires cert-manager {minimum}, but the stack has {settings.cert_manager.version}; {remedy}"
        _report(stack, RULE, job, message)


def _check_lifetimes(stack: StackSubject, job: Job, internal_tls: InternalTls) -> None:
    duration, renewal = seconds(internal_tls.duration), seconds(internal_tls.renewal)
    if not _HOUR <= duration <= LONGEST * _HOUR:
        problem = f"is {internal_tls.duration}, which is out of range"
        message = f"{problem}; write 1h (minimum of cert-manager) to {LONGEST}h (lifetime of the authority)"
        _report(stack, RULE, job, message, "duration")
    elif renewal >= duration:
        message = f"is {internal_tls.renewal}, but a certificate is valid for {internal_tls.duration}; lower it"
        _report(stack, RULE, job, message, "renewBefore")
    elif renewal < _MIN_RENEWAL:
        message = f"is {internal_tls.renewal}, which is less than cert-manager's minimum; write at least 5m"
        _report(stack, RULE, job, message, "renewBefore")


def _check_spec(stack: StackSubject, job: Job) -> None:
    spec, path = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    configuration = mapping(spec.get("flinkConfiguration"))
    remedy = "remove it, or set internalTls: {enabled: false}"
    for key in tls.FORBIDDEN:
        if configuration.get(key) != tls.OWN_OPTIONS.get(key):
            problem = (
                "conflicts with internalTls, which sets it"
                if key in configuration
                else "is null, but internalTls requires it"
            )
            stack.report(RULE, (*path, "flinkConfiguration", key), f"{problem}; {remedy}", job)
    for template in templates(spec):
        if not _is_mounted(template.pod, tls.certificate_name(job.kind, job.name)):
            message = f"replaces the Secret of internalTls at {INTERNAL_TLS_FOLDER} of the {template.process}; {remedy}"
            stack.report(RULE, (*path, *template.at), message, job)


def _is_mounted(pod: Mapping[str, object], secret: str) -> bool:
    containers = [mapping(container) for container in listed(pod.get("containers"))]
    mounts = [
        mapping(mount)
        for container in containers
        if container.get("name") == tls.MAIN_CONTAINER
        for mount in listed(container.get("volumeMounts"))
    ]
    volumes = [mapping(volume) for volume in listed(pod.get("volumes"))]
    secrets = {volume.get("name"): mapping(volume.get("secret")).get("secretName") for volume in volumes}
    return any(
        mount.get("mountPath") == INTERNAL_TLS_FOLDER and secrets.get(mount.get("name")) == secret for mount in mounts
    )
