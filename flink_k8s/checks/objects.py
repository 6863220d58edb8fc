"""Rules for any object that the platform gives to Kubernetes, a Flink resource or not.

They hold for what job files carry beside the jobs, which `make check` looks at, and for all that the program
registers, which the policy pack looks at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks import resources, safety
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.secret_text import is_secret, is_secret_argument
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import listed, mapping

_POD_SPECS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where a kind has the spec of its pods."""

_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
POLICY = "NetworkPolicy"

_FREE_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
"""Kinds whose names are no DNS names."""

_OPERATORS = frozenset({"FlinkDeployment", "FlinkBlueGreenDeployment", "FlinkSessionJob"})
"""Kinds whose names have a rule of the operator's."""


def check(subject: Subject) -> None:
    """Name, labels, plaintext secrets and pods of an object of any kind."""
    manifest, report = subject.manifest, subject.report
    kind = str(manifest.get("kind"))
    _name(kind, mapping(manifest.get("metadata")), report)
    _labels(mapping(manifest.get("metadata")), report)
    if kind == "Secret" and subject.is_in_file:
        for key in ("data", "stringData"):
            if mapping(manifest.get(key)):
                message = "is in clear for whoever reads the file; make the Secret outside, and refer to it by name"
                report("plaintext-secret", (key,), message)
    elif kind == "ConfigMap":
        for key, value in mapping(manifest.get("data")).items():
            if is_secret(key, str(value)):
                report("plaintext-secret", ("data", key), f"looks like a secret in clear; {safety.CURE}")
    elif kind == POLICY:
        _policy(manifest, report)
    path = _POD_SPECS.get(kind)
    if path is not None:
        pod: Mapping[str, object] = manifest
        for part in path:
            pod = mapping(pod.get(part))
        safety.check_pod(pod, path, report)
        resources.check_pod(pod, path, report)
        for group in ("containers", "initContainers"):
            for index, container in enumerate(listed(pod.get(group))):
                args = [*listed(mapping(container).get("command")), *listed(mapping(container).get("args"))]
                if any(is_secret_argument(args, place) for place in range(len(args))):
                    report(
                        "plaintext-secret", (*path, group, index, "args"), f"look like a secret in clear; {safety.CURE}"
                    )


def _name(kind: str, metadata: Mapping[str, object], report: Report) -> None:
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        report(
            "object-name", ("metadata", "name"), "is missing: each deployment would make another object; give it a name"
        )
    elif kind not in _FREE_NAMES and kind not in _OPERATORS and not _SUBDOMAIN.fullmatch(name):
        report("object-name", ("metadata", "name"), f'"{name}" is no DNS name; use lower-case letters, digits, - and .')


def _policy(manifest: Mapping[str, object], report: Report) -> None:
    spec = mapping(manifest.get("spec"))
    for direction, peers, whom in (("ingress", "from", "everybody in"), ("egress", "to", "its pods reach everything")):
        for index, rule in enumerate(listed(spec.get(direction))):
            said = mapping(rule)
            if not listed(said.get(peers)) and not listed(said.get("ports")):
                report("open-network-policy", ("spec", direction, index), f"lets {whom}; write {peers}, or ports")


def _labels(metadata: Mapping[str, object], report: Report) -> None:
    said = mapping(metadata.get("labels"))
    missing = [label for label in labels("") if not said.get(label)]
    if missing:
        report(
            "recommended-labels",
            ("metadata", "labels"),
            f"have no {', '.join(missing)}; each object says what it belongs to",
        )
