"""Rules for objects that work but are unsafe: plaintext secrets, images by tag, directories of the node."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.secret_text import secret_paths
from flink_k8s.facts.mappings import listed, mapping

REMEDY = "store it in a Kubernetes Secret and refer to it: secretEnv, or env with valueFrom.secretKeyRef"


def report_secrets(value: object, at: KeyPath, report: Report) -> None:
    """Report each plaintext secret in a part of a manifest."""
    for path in secret_paths(value, at):
        report("plaintext-secret", path, f"contains a secret as plaintext; {REMEDY}")


def check(subject: Subject) -> None:
    """Check the spec of a Flink resource: secrets, images and directories of the node."""
    spec, at, report = subject.spec, subject.at, subject.report
    report_secrets(spec, at, report)
    _image(spec.get("image"), (*at, "image"), report)
    for holder, path in (
        (spec, at),
        (mapping(spec.get("jobManager")), (*at, "jobManager")),
        (mapping(spec.get("taskManager")), (*at, "taskManager")),
    ):
        check_pod(mapping(mapping(holder.get("podTemplate")).get("spec")), (*path, "podTemplate", "spec"), report)


def _image(image: object, path: KeyPath, report: Report) -> None:
    if not isinstance(image, str) or not image or re.search(r"@sha256:[0-9a-f]{64}$", image):
        return
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if tag in ("", "latest"):
        message = f'"{image}" uses the mutable tag latest; pin a version and its digest'
        report("mutable-tag", path, message)
    else:
        message = f'"{image}" has no digest, so its content may change; pin one: {image.partition("@")[0]}@sha256:…'
        report("image-digest", path, message)


def check_pod(pod: Mapping[str, object], at: KeyPath, report: Report) -> None:
    """Check the spec of a pod or of a pod template at the path."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            report("privileged-pod", (*at, key), "gives the pod access to the node; remove it")
    for index, volume in enumerate(listed(pod.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            message = "mounts a directory of the node; use a claim or an emptyDir"
            report("host-path", (*at, "volumes", index, "hostPath"), message)
    for group in ("containers", "initContainers"):
        for index, container in enumerate(listed(pod.get(group))):
            fields, path = mapping(container), (*at, group, index)
            if mapping(fields.get("securityContext")).get("privileged") is True:
                report(
                    "privileged-pod",
                    (*path, "securityContext", "privileged"),
                    "gives the container root access to the node; remove it",
                )
            _image(fields.get("image"), (*path, "image"), report)
