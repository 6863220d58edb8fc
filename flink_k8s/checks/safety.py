"""Rules for objects that work but are unsafe: plaintext secrets, images by tag, directories of the node."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from flink_k8s.checks.subject import CLUSTERS, Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.secret_text import secret_paths
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.connectors import CONTAINER as FETCH_CONTAINER

REMEDY = "store it in a Kubernetes Secret and refer to it: secretEnv, or env with valueFrom.secretKeyRef"


HOST_NETWORK = "gives the pods access to the network of the node; remove it"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"(?:(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\d+)?/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@(?:sha256:[0-9a-f]{{64}}|sha512:[0-9a-f]{{128}}))?",
    re.ASCII,
)
"""An image that a container runtime accepts: the grammar of github.com/distribution/reference."""


def report_secrets(value: object, at: KeyPath, report: Report) -> None:
    """Report each plaintext secret in a part of a manifest."""
    for path in secret_paths(value, at):
        report("plaintext-secret", path, f"contains a secret as plaintext; {REMEDY}")


def check(subject: Subject) -> None:
    """Check the spec of a Flink resource: secrets, images and directories of the node."""
    spec, at, report = subject.spec, subject.at, subject.report
    report_secrets(_without_script(subject), at, report)
    if subject.kind in CLUSTERS:
        _flink_image(subject)
        host_network = subject.effective_job.host_network
        if host_network is not None:
            report("privileged-pod", (*at, *host_network.path), HOST_NETWORK)
    for holder, path in (
        (spec, at),
        (mapping(spec.get("jobManager")), (*at, "jobManager")),
        (mapping(spec.get("taskManager")), (*at, "taskManager")),
    ):
        check_pod(mapping(mapping(holder.get("podTemplate")).get("spec")), (*path, "podTemplate", "spec"), report)


def _without_script(subject: Subject) -> Mapping[str, object]:
    """The spec without the arguments of a SQL job: `checks.sql` names the place of a secret in its script."""
    if subject.declared is None or subject.declared.source.sql is None:
        return subject.spec
    job = {key: value for key, value in mapping(subject.spec.get("job")).items() if key != "args"}
    return {**subject.spec, "job": job}


def _flink_image(subject: Subject) -> None:
    image = subject.effective_job.image
    if image is not None:
        _image(image.text, (*subject.at, *image.path), subject.report)
    elif subject.spec:
        message = "is missing, so the operator uses an image of its own Flink version, whatever flinkVersion is"
        subject.report_spec("mutable-tag", ("image",), f"{message}; pin a version and its digest")


def _image(image: object, path: KeyPath, report: Report) -> None:
    if not isinstance(image, str) or not image:
        return
    if not _REFERENCE.fullmatch(image):
        remedy = "write [registry/]name[:tag][@sha256:<64 hexadecimal digits>], the name in lower case"
        report("image-reference", path, f"is {json.dumps(image)}, which is not an image; {remedy}")
        return
    if "@" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        message = f'"{image}" uses the mutable tag latest; pin a version and its digest'
        report("mutable-tag", path, message)
    else:
        message = f'"{image}" has no digest, so its content may change; pin one: {image}@sha256:…'
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
            if fields.get("name") != FETCH_CONTAINER:  # it has the image of the job, which is reported at the job
                _image(fields.get("image"), (*path, "image"), report)
