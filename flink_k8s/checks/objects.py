"""Rules for objects of any kind, Flink resources and others.

`make check` applies them to the objects of job files, and the policy pack to all objects that the program registers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks import exposure, resources, safety
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.job_files import FLINK_KINDS
from flink_k8s.config.secret_text import KEYSTORE_PASSWORD
from flink_k8s.facts.kinds import POD_SPECS, FlinkKind
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import listed, mapping

_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
POLICY = "NetworkPolicy"

_FREE_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
"""Kinds whose names need not be DNS names."""

_NAME_CHECKED_KINDS = frozenset({FlinkKind.DEPLOYMENT, FlinkKind.BLUE_GREEN, FlinkKind.SESSION_JOB})
"""Kinds whose names the operator restricts further: `checks.cluster`."""


def check(subject: Subject) -> None:
    """Check name, labels, plaintext secrets and pods of an object of any kind."""
    manifest, report = subject.manifest, subject.report
    kind = str(manifest.get("kind"))
    _name(kind, mapping(manifest.get("metadata")), report)
    if not subject.is_adopted:
        _labels(mapping(manifest.get("metadata")), report)
    if kind == "Secret" and subject.is_in_file:
        for key in ("data", "stringData"):
            if mapping(manifest.get(key)):
                message = "is stored as plaintext in the file; create the Secret outside, and refer to it by name"
                report("plaintext-secret", (key,), message)
    elif kind != "Secret":
        # `safety.check` looks at the spec of Flink's kinds; the keystore of a Certificate is in a Secret itself.
        is_elsewhere = kind in FLINK_KINDS or (kind == "Certificate" and _has_default_password(manifest))
        own = {key: value for key, value in manifest.items() if key != "spec" or not is_elsewhere}
        safety.report_secrets(own, (), report)
    if kind == POLICY:
        _policy(manifest, report)
    exposure.check_object(manifest, report)
    if kind == "PersistentVolume":
        for key in ("hostPath", "local"):
            if mapping(manifest.get("spec")).get(key) is not None:
                message = "is a directory of the node, which every pod with a claim can use; use a StorageClass"
                report("host-path", ("spec", key), message)
    path = POD_SPECS.get(kind)
    if path is not None:
        pod: Mapping[str, object] = manifest
        for part in path:
            pod = mapping(pod.get(part))
        safety.check_pod(pod, path, report)
        resources.check_pod(pod, path, report)


def _has_default_password(manifest: Mapping[str, object]) -> bool:
    keystores = mapping(mapping(manifest.get("spec")).get("keystores"))
    return mapping(keystores.get("pkcs12")).get("password") == KEYSTORE_PASSWORD


def _name(kind: str, metadata: Mapping[str, object], report: Report) -> None:
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        message = "is missing, so each deployment would create another object; set a name"
        report("object-name", ("metadata", "name"), message)
    elif kind not in _FREE_NAMES and kind not in _NAME_CHECKED_KINDS and not _SUBDOMAIN.fullmatch(name):
        message = f'"{name}" is not a DNS name; use lower-case letters, digits, - and .'
        report("object-name", ("metadata", "name"), message)


def _policy(manifest: Mapping[str, object], report: Report) -> None:
    spec = mapping(manifest.get("spec"))
    for direction, peers, effect in (
        ("ingress", "from", "connections from everywhere"),
        ("egress", "to", "connections to everywhere"),
    ):
        for index, rule in enumerate(listed(spec.get(direction))):
            entry = mapping(rule)
            if not listed(entry.get(peers)) and not listed(entry.get("ports")):
                report("open-network-policy", ("spec", direction, index), f"allows {effect}; set {peers} or ports")


def _labels(metadata: Mapping[str, object], report: Report) -> None:
    existing = mapping(metadata.get("labels"))
    missing = [label for label in labels("") if not existing.get(label)]
    if missing:
        report(
            "recommended-labels",
            ("metadata", "labels"),
            f"lack {', '.join(missing)}; set the recommended labels",
        )
