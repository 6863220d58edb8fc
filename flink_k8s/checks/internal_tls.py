"""Rules about TLS between a job's processes: what cannot have it, what would break it, what cert-manager refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.secret_model import INTERNAL_TLS_FOLDER
from flink_k8s.config.tls_model import LONGEST, InternalTls
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import seconds
from flink_k8s.resolve import internal_tls as tls
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec, templates

_MINOR = re.compile(r"v?(\d+)\.(\d+)")
_FIRST = (1, 17)
"""The first cert-manager that takes a keystore's password as text."""

RULE = "internal-tls"
_ALERT = "FlinkInternalCertificateOld"
_HOUR = 3600
_LEAST_RENEWAL = 300
"""Seconds that cert-manager wants at least."""


def check(stack: StackSubject) -> None:
    """`internalTls` of all jobs."""
    settings = stack.settings
    taken: dict[tuple[str, str, str], Job] = {}
    for job in stack.jobs:
        if job.own.internal_tls is not None and not job.kind.has_pods:
            where = "it has no pods of its own"
            if job.kind == "FlinkSessionJob":
                where = f"it runs in the pods of {job.session_cluster or 'its cluster'}: say it of that"
            _report(stack, RULE, job, f"is for a {job.kind}, and {where}; take it away here", of_itself=True)
        wanted = job.settings.internal_tls
        if wanted is None or not tls.has_internal_tls(job.kind, job.settings):
            continue
        _of_cert_manager(stack, job, settings)
        _of_times(stack, job, wanted)
        _of_spec(stack, job)
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
            taken[kind, job.namespace, name] = job
    for one in stack.attachments:
        job = taken.get((one.source.kind, one.namespace, one.source.name))
        if job is not None:
            message = f'"{one.source.name}" is made for {job.name} by internalTls; name it otherwise'
            stack.report("duplicate-object", ("metadata", "name"), message, one.source)


def check_alert(stack: StackSubject) -> None:
    """Certificates that are renewed so late that they expire before the alert about old certificates fires."""
    settings = stack.settings
    alerts = settings.prometheus.alerts
    if not settings.prometheus.monitors or not alerts.enabled or _ALERT in alerts.off:
        return
    for job in stack.jobs:
        wanted = job.settings.internal_tls
        if wanted is None or not tls.has_internal_tls(job.kind, job.settings):
            continue
        if seconds(wanted.renewal) <= seconds(alerts.certificate_age):
            cure = "write less as prometheus.alerts.certificateAge, or a longer duration"
            message = (
                f"renews {wanted.renewal} before the end, and {_ALERT} fires after {alerts.certificate_age}; {cure}"
            )
            _report(stack, "certificate-lifetime", job, message, "renewBefore")


def _report(stack: StackSubject, rule: str, job: Job, message: str, *path: str, of_itself: bool = False) -> None:
    """Reports at the setting: in the last source of the stack config that sets it, or in the job's own `jobs` entry."""
    for layer in reversed(job.layers.ordered):
        settings = layer.settings
        is_meant = not of_itself or layer.name.startswith("jobs.")
        if is_meant and settings is not None and "internal_tls" in settings.model_fields_set:
            stack.report(rule, (*(layer.place or ()), "internalTls", *path), message, layer.config or job.config)
            return
    stack.report(rule, ("internalTls", *path), message, job.config)


def _of_cert_manager(stack: StackSubject, job: Job, settings: StackSettings) -> None:
    said = _MINOR.match(settings.cert_manager.version)
    if settings.cert_manager.enabled and said and (int(said[1]), int(said[2])) < _FIRST:
        wanted = ".".join(map(str, _FIRST))
        cure = f"write v{wanted} or newer as certManager.version"
        message = f"needs cert-manager {wanted}, and the stack has {settings.cert_manager.version}; {cure}"
        _report(stack, RULE, job, message)


def _of_times(stack: StackSubject, job: Job, wanted: InternalTls) -> None:
    duration, renewal = seconds(wanted.duration), seconds(wanted.renewal)
    if not _HOUR <= duration <= LONGEST * _HOUR:
        message = f"is {wanted.duration}; cert-manager takes 1h and more, and the authority is good for {LONGEST}h"
        _report(stack, RULE, job, message, "duration")
    elif renewal >= duration:
        message = f"is {wanted.renewal}, and a certificate is valid for {wanted.duration}; write less"
        _report(stack, RULE, job, message, "renewBefore")
    elif renewal < _LEAST_RENEWAL:
        _report(stack, RULE, job, f"is {wanted.renewal}; cert-manager takes 5m and more", "renewBefore")


def _of_spec(stack: StackSubject, job: Job) -> None:
    spec, at = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    configuration = mapping(spec.get("flinkConfiguration"))
    cure = "take it away here, or write internalTls: {enabled: false}"
    for key in tls.FORBIDDEN:
        if configuration.get(key) != tls.OWN_OPTIONS.get(key):
            said = "is for internalTls to say" if key in configuration else "is what internalTls needs"
            stack.report(RULE, (*at, "flinkConfiguration", key), f"{said}; {cure}", job)
    for template in templates(spec):
        if not _is_mounted(template.pod, tls.certificate_name(job.kind, job.name)):
            message = f"leaves no Secret of internalTls at {INTERNAL_TLS_FOLDER} for the {template.process}; {cure}"
            stack.report(RULE, (*at, *template.at), message, job)


def _is_mounted(pod: Mapping[str, object], secret: str) -> bool:
    containers = [mapping(one) for one in listed(pod.get("containers"))]
    mounts = [
        mapping(mount)
        for one in containers
        if one.get("name") == tls.MAIN_CONTAINER
        for mount in listed(one.get("volumeMounts"))
    ]
    volumes = {mapping(one).get("name"): mapping(mapping(one).get("secret")) for one in listed(pod.get("volumes"))}
    return any(
        mount.get("mountPath") == INTERNAL_TLS_FOLDER and volumes.get(mount.get("name"), {}).get("secretName") == secret
        for mount in mounts
    )
