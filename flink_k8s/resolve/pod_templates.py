"""The pod templates of a Flink cluster: the common template merged with that of each process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping

PROCESSES = ("jobManager", "taskManager")
"""Fields of the processes in a spec."""

GROUPS = ("containers", "initContainers")


def cluster_spec(kind: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    """The spec with the pod templates, in the template of a blue/green deployment; empty for kinds without pods."""
    if kind == FlinkKind.BLUE_GREEN:
        return mapping(mapping(spec.get("template")).get("spec"))
    return spec if kind == FlinkKind.DEPLOYMENT else {}


def cluster_place(kind: str) -> KeyPath:
    """Path of that spec in the manifest."""
    return FlinkKind.BLUE_GREEN.spec_path if kind == FlinkKind.BLUE_GREEN else ("spec",)


@dataclass(frozen=True)
class Template:
    """The pod template of one process.

    Attributes:
        process: `jobManager` or `taskManager`.
        pod: the merged spec of a pod.
        at: path of the pod's spec in the spec of the Flink resource.
        places: path of each container in that spec, by group and name.
    """

    process: str
    pod: Mapping[str, object]
    at: KeyPath
    places: Mapping[tuple[str, str], KeyPath]


def with_every_mount(spec: dict[str, object]) -> dict[str, object]:
    """The spec with all mounts of a container in each process's own template, if the operator would lose a mount.

    The operator merges the mounts of two templates by the name of the volume and keeps one mount per volume, so it
    loses a second file of the same volume. It does not merge mounts if only one of the templates has mounts.

    Args:
        spec: of a FlinkDeployment, merged.
    """
    common = mapping(mapping(spec.get("podTemplate")).get("spec"))
    for group in GROUPS:
        for name in _with_lost_mounts(spec, common, group):
            complete = {template.process: _mounts(template.pod, group, name) for template in templates(spec)}
            for process, mounts in complete.items():
                process_template = {"podTemplate": {"spec": {group: [{"name": name, "volumeMounts": mounts}]}}}
                spec = merge_mappings(spec, {process: process_template})
            for container in listed(mapping(mapping(spec.get("podTemplate")).get("spec")).get(group)):
                if isinstance(container, dict) and mapping(cast(object, container)).get("name") == name:
                    cast(dict[str, object], container).pop("volumeMounts", None)
    return spec


def _with_lost_mounts(spec: Mapping[str, object], common: Mapping[str, object], group: str) -> list[str]:
    """Names of containers with mounts in both templates, one of which mounts a volume twice."""
    names: list[str] = []
    for item in listed(common.get(group)):
        name = mapping(item).get("name")
        for process in PROCESSES:
            process_template = mapping(mapping(mapping(spec.get(process)).get("podTemplate")).get("spec"))
            both = [_mounts(common, group, name), _mounts(process_template, group, name)]
            if isinstance(name, str) and all(both) and any(map(_has_volume_twice, both)) and name not in names:
                names.append(name)
    return names


def _mounts(pod: Mapping[str, object], group: str, name: object) -> list[object]:
    named = (mapping(item) for item in listed(pod.get(group)))
    no_mounts: list[object] = []
    return next((listed(item.get("volumeMounts")) for item in named if item.get("name") == name), no_mounts)


def _has_volume_twice(mounts: list[object]) -> bool:
    names = [str(mapping(mount).get("name")) for mount in mounts]
    return len(set(names)) < len(names)


def templates(spec: Mapping[str, object]) -> list[Template]:
    """The templates of both processes; arrays are merged by name, as the platform configures the operator.

    Args:
        spec: of a FlinkDeployment, merged.
    """
    common = mapping(mapping(spec.get("podTemplate")).get("spec"))
    result: list[Template] = []
    for process in PROCESSES:
        process_template = mapping(mapping(mapping(spec.get(process)).get("podTemplate")).get("spec"))
        places = {
            (group, str(mapping(item).get("name"))): (*path, group, index)
            for path, pod in ((("podTemplate", "spec"), common), ((process, "podTemplate", "spec"), process_template))
            for group in GROUPS
            for index, item in enumerate(listed(pod.get(group)))
        }
        pod = merge_mappings(common, process_template) if process_template else common
        result.append(Template(process, pod, ("podTemplate", "spec"), places))
    return result
