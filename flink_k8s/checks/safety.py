"""Rules of ours for what works but should not be so: secrets in clear, images by tag, the node's own folders."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.config.findings import Say
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.secret_text import is_secret, is_secret_argument
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.sources import leaves

CURE = "put it into a Kubernetes Secret and name that: secretEnv, or env with valueFrom.secretKeyRef"


def look(spec: Mapping[str, object], at: KeyPath, say: Say) -> None:
    """Looks through a spec.

    Args:
        spec: the merged spec, configuration flat.
        at: where it begins in the manifest.
        say: takes what is found.
    """
    said: set[KeyPath] = set()

    def once(rule: str, path: KeyPath, message: str) -> None:
        if rule == "secret":
            said.add(path)
        say(rule, path, message)

    _look(spec, at, once)
    for path, value in leaves(spec):
        # Wherever it stands, under whatever name: in a log configuration, an annotation, a command.
        if isinstance(value, str) and (*at, *path) not in said and is_secret("", value) and path != ("image",):
            say("secret", (*at, *path), f"looks like a secret in clear; {CURE}")


def _look(spec: Mapping[str, object], at: KeyPath, say: Say) -> None:
    for key, value in mapping(spec.get("flinkConfiguration")).items():
        if is_secret(key, str(value)):
            say("secret", (*at, "flinkConfiguration", key), f"looks like a secret in clear; {CURE}")
    args = listed(mapping(spec.get("job")).get("args"))
    for index in range(len(args)):
        if is_secret_argument(args, index):
            say("secret", (*at, "job", "args", index), f"looks like a secret in clear; {CURE}")
    _image(spec.get("image"), (*at, "image"), say)
    for holder, path in (
        (spec, at),
        (mapping(spec.get("jobManager")), (*at, "jobManager")),
        (mapping(spec.get("taskManager")), (*at, "taskManager")),
    ):
        look_at_pod(mapping(mapping(holder.get("podTemplate")).get("spec")), (*path, "podTemplate", "spec"), say)


def _image(image: object, path: KeyPath, say: Say) -> None:
    if not isinstance(image, str) or not image or re.search(r"@sha256:[0-9a-f]{64}$", image):
        return
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if tag in ("", "latest"):
        say("latest", path, f'is "{image}", which is another image tomorrow; name a version and its digest')
    else:
        say(
            "digest",
            path,
            f'is "{image}", whose content may change; add its digest: {image.partition("@")[0]}@sha256:…',
        )


def look_at_pod(pod: Mapping[str, object], at: KeyPath, say: Say) -> None:
    """Looks through the spec of a pod, or of a pod template.

    Args:
        pod: the spec.
        at: where it stands in the manifest.
        say: takes what is found.
    """
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            say("privileged", (*at, key), "reaches into the node; remove it")
    for index, volume in enumerate(listed(pod.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            say("hostPath", (*at, "volumes", index, "hostPath"), "is a folder of the node; use a claim or an emptyDir")
    for group in ("containers", "initContainers"):
        for index, container in enumerate(listed(pod.get(group))):
            fields, path = mapping(container), (*at, group, index)
            if mapping(fields.get("securityContext")).get("privileged") is True:
                say(
                    "privileged",
                    (*path, "securityContext", "privileged"),
                    "makes the container the node's root; remove it",
                )
            _image(fields.get("image"), (*path, "image"), say)
            for place, variable in enumerate(listed(fields.get("env"))):
                name, value = mapping(variable).get("name"), mapping(variable).get("value")
                if value is not None and is_secret(str(name), str(value)):
                    say("secret", (*path, "env", place, "value"), f"looks like a secret in clear; {CURE}")
