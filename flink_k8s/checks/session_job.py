"""The operator's rules for session jobs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from flink_k8s.checks import autoscaler, state
from flink_k8s.checks.cluster import JOB_NAME, check_name
from flink_k8s.checks.configuration import check_options
from flink_k8s.checks.subject import Subject
from flink_k8s.facts import versions
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.job_jar import ALLOWED_SCHEMES, allowed_schemes, is_relative, store_scheme

_PRIVATE = "kubernetes.operator.user.artifacts.disallow-restricted-hosts"


def check(subject: Subject) -> None:
    """Check a session job, and its combination with its cluster."""
    check_name(subject)
    _check_job(subject)
    check_options(subject)
    if subject.session_cluster is not None and subject.flink_job is not None:
        _check_with_cluster(subject, mapping(subject.session_cluster["spec"]))


def _check_job(subject: Subject) -> None:
    spec = subject.spec
    name = spec.get("deploymentName")
    if name is None:
        subject.refuse(("deploymentName",), "is missing; set it to the FlinkDeployment that runs the job")
    elif not JOB_NAME.fullmatch(str(name)):
        subject.report(
            "operator-validation",
            ("spec", "deploymentName"),
            f'"{name}" is not a valid name of a FlinkDeployment; use a name that the operator accepts',
        )
    job = subject.flink_job
    if job is None:
        subject.refuse(("job",), "is missing; set the job of the session job")
        return
    operator = versions.operator_version(subject.operator)
    if operator.last_state_needs_ha and job.get("upgradeMode") == "last-state":
        message = f"is last-state, which operator {subject.operator} does not support for session jobs; write savepoint"
        subject.refuse(("job", "upgradeMode"), message)
    uri = str(job.get("jarURI") or "")
    message = _project_jar(subject, uri)
    if not message and operator.checks_jar_uris and job.get("jarURI") is not None:
        message = _jar_uri(uri, subject.defaults)
    if message:
        subject.refuse(("job", "jarURI"), message)


def _project_jar(subject: Subject, uri: str) -> str | None:
    """Why a file of the project cannot be the jar; None if it can, and for another jar."""
    if subject.declared is None or subject.settings is None:
        return None
    if subject.declared.jar_file is not None:
        if subject.session_cluster is not None:
            return None
        return "is a file of the project, which a pod of the session cluster uploads; declare the cluster in this stack"
    if not is_relative(uri):
        return None
    settings, maven = subject.settings, "or write maven:group:artifact:version"
    if settings.state_storage.type == "none":
        return f'is "{uri}", a file of the project, and no store to upload it to; set stateStorage to a bucket, {maven}'
    scheme = store_scheme(settings)
    if not scheme:
        return f'is "{uri}", a file of the project, and the operator does not mount the claim; use a bucket, {maven}'
    if scheme not in allowed_schemes(subject.defaults):
        remedy = f"add {scheme} to {ALLOWED_SCHEMES} of operator.configuration (docs/jobs.md), {maven}"
        return f'is "{uri}", a file of the project, and the operator does not download from {scheme}://; {remedy}'
    return f'is "{uri}", which does not exist in the project; build it, or write a URI (docs/jobs.md)'


def _check_with_cluster(subject: Subject, cluster: Mapping[str, object]) -> None:
    if cluster.get("job") is not None:
        name = subject.spec.get("deploymentName")
        message = f'"{name}" is not a session cluster, because its spec contains a job; name a session cluster'
        subject.refuse(("deploymentName",), message)
    state.upgrade_mode(subject)
    state.kept_when_cancelled(subject, in_session=True)
    parallelism = mapping(subject.spec.get("job")).get("parallelism", 0)
    if isinstance(parallelism, int) and parallelism < 1:
        problem = (
            "is missing"
            if parallelism == 0 and "parallelism" not in mapping(subject.spec.get("job"))
            else f"is {parallelism}"
        )
        subject.refuse(("job", "parallelism"), f"{problem}; write a number of at least 1")
    autoscaler.check(subject)


def _jar_uri(uri: str, defaults: Mapping[str, str]) -> str | None:
    allowed = allowed_schemes(defaults)
    remedy = f"use an allowed scheme: {', '.join(allowed)} (operator.configuration, {ALLOWED_SCHEMES})"
    if re.search(r"[\s<>\"{}|\\^`]", uri) or re.search(r"%(?![0-9a-fA-F]{2})", uri):
        return f'"{uri}" is not a URI; {remedy}'
    scheme, colon, rest = uri.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme):
        return f'"{uri}" has no scheme; {remedy}'
    if not rest:
        return f'"{uri}" is not a URI; {remedy}'
    if scheme.lower() not in allowed:
        return f'"{uri}" has the scheme {scheme}, which the operator refuses; {remedy}'
    if scheme.lower() in ("http", "https") and defaults.get(_PRIVATE, "true").lower() == "true":
        return _private_host(uri)
    return None


def _private_host(uri: str) -> str | None:
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        host = None
    if not host:
        return f'"{uri}" has no host; write https://host/path.jar'
    if host == "localhost" or host.endswith(".localhost"):
        return f"is on {host}, a host that the operator refuses; publish the jar on another host"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None  # a name, which only the cluster can resolve
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    private = isinstance(address, ipaddress.IPv4Address) and any(address in network for network in _SITE_LOCAL)
    if (
        address.is_loopback
        or address.is_link_local
        or private
        or site_local
        or address.is_unspecified
        or address.is_multicast
    ):
        return f"is on {host}, a host that the operator refuses; publish the jar on another host"
    return None


_SITE_LOCAL = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
