"""Rules of ours for what works but should not be so: secrets in clear, images by tag, the node's own folders."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.secret_text import is_secret, is_secret_argument
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.sources import leaves

CURE = "put it into a Kubernetes Secret and name that: secretEnv, or env with valueFrom.secretKeyRef"


def check(subject: Subject) -> None:
    """The spec of a Flink resource: secrets, images and the node's own folders."""
    spec, at = subject.spec, subject.at
    secrets: set[KeyPath] = set()

    def report(rule: str, path: KeyPath, message: str) -> None:
        if rule == "plaintext-secret":
            secrets.add(path)
        subject.report(rule, path, message)

    _check_spec(spec, at, report)
    for path, value in leaves(spec):
        # At any place, under any name: in a log configuration, an annotation, a command.
        if isinstance(value, str) and (*at, *path) not in secrets and is_secret("", value) and path != ("image",):
            subject.report("plaintext-secret", (*at, *path), f"looks like a secret in clear; {CURE}")


def _check_spec(spec: Mapping[str, object], at: KeyPath, report: Report) -> None:
    for key, value in mapping(spec.get("flinkConfiguration")).items():
        if is_secret(key, str(value)):
            report("plaintext-secret", (*at, "flinkConfiguration", key), f"looks like a secret in clear; {CURE}")
    args = listed(mapping(spec.get("job")).get("args"))
    for index in range(len(args)):
        if is_secret_argument(args, index):
            report("plaintext-secret", (*at, "job", "args", index), f"looks like a secret in clear; {CURE}")
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
        report("mutable-tag", path, f'is "{image}", which is another image tomorrow; name a version and its digest')
    else:
        report(
            "image-digest",
            path,
            f'is "{image}", whose content may change; add its digest: {image.partition("@")[0]}@sha256:…',
        )


def check_pod(pod: Mapping[str, object], at: KeyPath, report: Report) -> None:
    """The spec of a pod or of a pod template, at that path."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            report("privileged-pod", (*at, key), "reaches into the node; remove it")
    for index, volume in enumerate(listed(pod.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            message = "is a folder of the node; use a claim or an emptyDir"
            report("host-path", (*at, "volumes", index, "hostPath"), message)
    for group in ("containers", "initContainers"):
        for index, container in enumerate(listed(pod.get(group))):
            fields, path = mapping(container), (*at, group, index)
            if mapping(fields.get("securityContext")).get("privileged") is True:
                report(
                    "privileged-pod",
                    (*path, "securityContext", "privileged"),
                    "makes the container the node's root; remove it",
                )
            _image(fields.get("image"), (*path, "image"), report)
            for place, variable in enumerate(listed(fields.get("env"))):
                name, value = mapping(variable).get("name"), mapping(variable).get("value")
                if value is not None and is_secret(str(name), str(value)):
                    report("plaintext-secret", (*path, "env", place, "value"), f"looks like a secret in clear; {CURE}")
