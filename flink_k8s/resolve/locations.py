"""The location of a directory of a Flink process: in a store, on a volume, or inside of its pod.

Two processes share a directory if their locations are equal, and it outlives them if the location lasts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

_LOCAL = re.compile(r"(?:file:(?://[^/]*)?)?(/.*)")
_RELATIVE = re.compile(r"[\w.][^:]*")

_WORKING_DIRECTORY = "/opt/flink"

_WRITABLE = ("/tmp", "/var/tmp", "/dev/shm", _WORKING_DIRECTORY)
"""Directories of Flink's image that its user can write to."""

_POD_VOLUMES = ("emptyDir", "ephemeral")
"""Volumes that are deleted with their pod."""

_READ_ONLY = ("configMap", "secret", "downwardAPI", "projected", "image")

_SHARES = {"nfs": "server", "hostPath": "", "cephfs": "monitors", "glusterfs": "endpoints"}
"""Volumes that are the directory `path` of a server or another source, and the field that names the source."""

_INCIDENTAL = ("readOnly", "fsType", "secretRef", "user", "type")
"""Fields of a volume that do not affect its content."""


@dataclass(frozen=True)
class Location:
    """The location of a directory.

    Attributes:
        medium: `the claim state`, `the nfs server:`, `the pod`.
        path: in the medium.
        lasts: whether it outlives the pod.
        is_writable: whether Flink can write to it; not compared by `==`.
    """

    medium: str
    path: str
    lasts: bool = True
    is_writable: bool = field(default=True, compare=False)


def locate(pod: Mapping[str, object], directory: str) -> Location:
    """The location of a directory, as Flink's container in a pod sees it.

    Args:
        pod: the pod's spec.
        directory: a URI, or a path.
    """
    path = local_path(directory)
    if not path:
        return Location("the store", directory)
    container = _main_container(pod)
    mount, sub_directory = _mount(container, path)
    if mount is None:
        return Location("the pod", path, lasts=False, is_writable=_is_writable(pod, container, path))
    volumes = {str(mapping(volume).get("name")): mapping(volume) for volume in listed(pod.get("volumes"))}
    return _on_volume(volumes.get(str(mount.get("name"))), mount, _sub_path(container, mount), sub_directory)


def is_mounted(pod: Mapping[str, object], path: str) -> bool:
    """Whether a volume of the pod contains the path, in Flink's container."""
    return _mount(_main_container(pod), path)[0] is not None


def _main_container(pod: Mapping[str, object]) -> Mapping[str, object]:
    containers = (mapping(container) for container in listed(pod.get("containers")))
    return next((container for container in containers if container.get("name") == MAIN_CONTAINER), mapping(None))


def qualified(directory: str, default_scheme: str) -> str:
    """The directory with the scheme of Flink's `fs.default-scheme`, if it is a path without one."""
    return f"{default_scheme.rstrip('/')}{directory}" if default_scheme and directory.startswith("/") else directory


def local_path(directory: str) -> str:
    """The path of a directory in a process's own file system; empty if it is in a store."""
    local = _LOCAL.fullmatch(directory)
    if local:
        return posixpath.normpath("/" + local.group(1).lstrip("/"))
    if _RELATIVE.fullmatch(directory):
        return posixpath.normpath(posixpath.join(_WORKING_DIRECTORY, directory))
    return ""


def _mount(container: Mapping[str, object], path: str) -> tuple[Mapping[str, object] | None, str]:
    """The mount with the longest path that contains the directory, and the rest of the directory's path."""
    container_mount, length, sub_directory = None, -1, ""
    for mount in map(mapping, listed(container.get("volumeMounts"))):
        mount_path = posixpath.normpath(f"/{str(mount.get('mountPath') or '').lstrip('/')}")
        rest = posixpath.relpath(path, mount_path)
        if rest.split("/")[0] != ".." and len(mount_path) >= length:
            container_mount, length, sub_directory = mount, len(mount_path), rest
    return container_mount, sub_directory


def _sub_path(container: Mapping[str, object], mount: Mapping[str, object]) -> str:
    """`subPath`, or `subPathExpr` with the variables that are equal in all pods."""
    variables = {
        str(mapping(variable).get("name")): str(mapping(variable)["value"])
        for variable in listed(container.get("env"))
        if "value" in mapping(variable)
    }

    def value(match: re.Match[str]) -> str:
        return variables.get(match.group(1), match.group())

    return str(mount.get("subPath") or re.sub(r"\$\((\w+)\)", value, str(mount.get("subPathExpr") or "")))


def _on_volume(
    volume: Mapping[str, object] | None, mount: Mapping[str, object], sub_path: str, sub_directory: str
) -> Location:
    if volume is None:
        return Location(
            f"the volume {mount.get('name')}", posixpath.normpath(posixpath.join("/", sub_path, sub_directory))
        )
    kind = next((key for key, source in volume.items() if key != "name" and source is not None), "emptyDir")
    source = mapping(volume.get(kind))
    read_only = kind in _READ_ONLY or True in (mount.get("readOnly"), source.get("readOnly"))
    root, names = "/", {key: value for key, value in source.items() if key not in _INCIDENTAL}
    if kind in _SHARES:
        root, names = str(source.get("path") or "/"), {"": source.get(_SHARES[kind], "")}
    path = posixpath.normpath(posixpath.join("/", root.lstrip("/"), sub_path, sub_directory))
    is_of_pod = (
        kind in (*_POD_VOLUMES, *_READ_ONLY)
        or "$(" in sub_path  # contains a value that differs between pods, such as the pod's name
        or (kind == "csi" and not source.get("volumeAttributes"))  # without attributes, each pod mounts a new volume
    )
    if is_of_pod:
        return Location("the pod", path, lasts=False, is_writable=not read_only)
    title = "claim" if kind == "persistentVolumeClaim" else kind
    return Location(f"the {title} {_joined(names)}".strip(), path, is_writable=not read_only)


def _joined(names: Mapping[str, object]) -> str:
    """The values of a volume's fields, and of the fields inside of them."""
    values = (names[key] for key in sorted(names, key=str))
    return " ".join(_joined(mapping(value)) or str(value) for value in values)


def _is_writable(pod: Mapping[str, object], container: Mapping[str, object], path: str) -> bool:
    """Whether Flink can write to a directory of its image."""
    container_context, pod_context = mapping(container.get("securityContext")), mapping(pod.get("securityContext"))
    if container_context.get("readOnlyRootFilesystem") is True:
        return False
    user = container_context.get("runAsUser", pod_context.get("runAsUser"))
    return user == 0 or any(path == root or path.startswith(f"{root}/") for root in _WRITABLE)
