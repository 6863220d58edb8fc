"""The operator's rules for a Flink cluster: name, versions, ingress, logging, service account, replicas."""

from __future__ import annotations

import re

from flink_k8s.checks.subject import Subject
from flink_k8s.config.problems import nearest
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping

JOB_NAME = re.compile(r"[a-z]([-a-z\d]{0,43}[a-z\d])?", re.ASCII)

_LOG_FILES = ("log4j-console.properties", "logback-console.xml")
_PLACEHOLDERS = {"{{name}}": "a", "{{namespace}}": "a"}
_IMAGE_VERSION = re.compile(r"(?:^|/)flink:(\d+\.\d+)(?:[.\-@]|$)")


def check(subject: Subject) -> None:
    """Check name, versions, ingress, logging, service account and replicas."""
    check_name(subject)
    _flink_version(subject)
    _ingress(subject)
    for key in mapping(subject.spec.get("logConfiguration")):
        if key not in _LOG_FILES:
            message = f"unknown log configuration; Flink reads {' and '.join(_LOG_FILES)}"
            subject.refuse(("logConfiguration", key), message)
    if subject.spec.get("serviceAccount") is None:
        subject.refuse(
            ("serviceAccount",),
            'is missing; set the ServiceAccount of the pods, such as "flink"',
        )
    _replicas(subject)


def check_name(subject: Subject) -> None:
    """Check the name of a job or session cluster."""
    if JOB_NAME.fullmatch(subject.name):
        return
    longest, message = 45, f'"{subject.name}" is not a valid name for the operator'
    if subject.kind == FlinkKind.BLUE_GREEN:
        longest, message = 39, f'results in a FlinkDeployment "{subject.name}", whose name the operator refuses'
    is_of_file = subject.declared is not None and subject.declared.source.sql is not None
    remedy = "rename the file: " if is_of_file else ""
    remedy += f"use a lower-case letter, then lower-case letters, digits and -, {longest} characters at most"
    subject.report("operator-validation", ("metadata", "name"), f"{message}; {remedy}")


def _flink_version(subject: Subject) -> None:
    version = subject.spec.get("flinkVersion")
    release = versions.known_operator(subject.operator)
    operator = versions.OPERATORS[release] if release else None
    if version is None:
        subject.refuse(("flinkVersion",), "is missing; set the Flink version, such as v2_2")
    elif operator is not None and version not in operator.flink:
        remedy = nearest(str(version), operator.flink)
        message = f"is {version}, which operator {subject.operator} does not support; {remedy}"
        subject.refuse(("flinkVersion",), message)
    elif operator is not None and version in operator.deprecated:
        message = f"is {version}, which operator {subject.operator} has deprecated; upgrade to a newer Flink version"
        subject.report_spec("flink-version", ("flinkVersion",), message)
    effective = subject.effective_job.image
    image = _IMAGE_VERSION.search(effective.text) if effective else None
    if effective and image and subject.flink_version and image.group(1) != subject.flink_version:
        message = f"contains Flink {image.group(1)}, but flinkVersion is {version}; use the same version"
        subject.report_spec("flink-version", effective.path, message)


def _ingress(subject: Subject) -> None:
    if not isinstance(subject.spec.get("ingress"), dict):
        return
    template = mapping(subject.spec["ingress"]).get("template")
    if template is None:
        subject.refuse(
            ("ingress", "template"),
            'is missing; set a host, for example "{{name}}.{{namespace}}.example.org"',
        )
        return
    url = str(template)
    for placeholder, text in _PLACEHOLDERS.items():
        url = re.sub(re.escape(placeholder), text, url, flags=re.IGNORECASE)
    if not _is_url(url if re.match(r"https?://", url, re.IGNORECASE) else f"http://{url}"):
        remedy = 'write a host, for example "{{name}}.{{namespace}}.example.org"'
        subject.refuse(("ingress", "template"), f'"{template}" does not result in a URL; {remedy}')


def _is_url(url: str) -> bool:
    """Whether Java accepts the URL: it refuses only a port that is not a number, and an invalid IPv6 host."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        inside, bracket, port = host[1:].partition("]")
        if not bracket or not re.fullmatch(r"[0-9a-fA-F:.%]+", inside) or ":" not in inside:
            return False
        if port and not port.startswith(":"):
            return False
        port = port[1:]
    else:
        port = host.partition(":")[2]
    return not port or (bool(re.fullmatch(r"[+-]?\d+", port)) and -1 <= int(port) < 2**31)


def _replicas(subject: Subject) -> None:
    masters = _whole(mapping(subject.spec.get("jobManager")).get("replicas"))
    if masters is not None and masters < 1:
        subject.refuse(("jobManager", "replicas"), f"is {masters}; write a number of at least 1")
    elif masters is not None and masters > 1 and not subject.options.is_highly_available:
        message = f"is {masters} without high availability; set high-availability.type: kubernetes and its storageDir"
        subject.refuse(("jobManager", "replicas"), message)
    workers = _whole(mapping(subject.spec.get("taskManager")).get("replicas"))
    if workers is not None and workers < 1:
        subject.refuse(("taskManager", "replicas"), f"is {workers}; write a number of at least 1")
    if subject.flink_job is not None and workers is None:
        parallelism = _whole(subject.flink_job.get("parallelism", 0))
        if parallelism is not None and parallelism < 1:
            problem = f"is {parallelism}" if "parallelism" in subject.flink_job else "is missing"
            subject.refuse(("job", "parallelism"), f"{problem}; write a number of at least 1")


def _whole(value: object) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        return None
