"""The pods of a Flink cluster as its spec describes them: the common template with the process' own laid onto it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping

PROCESSES = ("jobManager", "taskManager")
"""Where processes stand in a spec."""

GROUPS = ("containers", "initContainers")


def cluster_spec(kind: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    """The spec that pods come of: a blue/green deployment's is in its template; empty for kinds without pods."""
    if kind == FlinkKind.BLUE_GREEN:
        return mapping(mapping(spec.get("template")).get("spec"))
    return spec if kind == FlinkKind.DEPLOYMENT else {}


def cluster_place(kind: str) -> KeyPath:
    """Where that spec begins in the manifest."""
    return FlinkKind.BLUE_GREEN.spec_path if kind == FlinkKind.BLUE_GREEN else ("spec",)


@dataclass(frozen=True)
class Template:
    """The template that one process' pods come of.

    Attributes:
        process: `jobManager` or `taskManager`.
        pod: a pod's spec.
        at: where what is said of the whole pod stands in the Flink resource's spec.
        places: where each container stands there, by group and name.
    """

    process: str
    pod: Mapping[str, object]
    at: KeyPath
    places: Mapping[tuple[str, str], KeyPath]


def with_every_mount(spec: dict[str, object]) -> dict[str, object]:
    """The spec with the mounts of a container in each process's own template, where the operator would lose one.

    The operator merges the mounts of two templates by the name of their volume and keeps one mount of each, so that two
    files of one volume become one. It merges nothing where only one of the templates has mounts.

    Args:
        spec: of a FlinkDeployment, merged.
    """
    common = mapping(mapping(spec.get("podTemplate")).get("spec"))
    for group in GROUPS:
        for name in _losing(spec, common, group):
            complete = {one.process: _mounts(one.pod, group, name) for one in templates(spec)}
            for process, mounts in complete.items():
                own = {"podTemplate": {"spec": {group: [{"name": name, "volumeMounts": mounts}]}}}
                spec = merge_mappings(spec, {process: own})
            for container in listed(mapping(mapping(spec.get("podTemplate")).get("spec")).get(group)):
                if isinstance(container, dict) and mapping(cast(object, container)).get("name") == name:
                    cast(dict[str, object], container).pop("volumeMounts", None)
    return spec


def _losing(spec: Mapping[str, object], common: Mapping[str, object], group: str) -> list[str]:
    """Names of the containers that have mounts in the common and in a process's template, of one volume twice."""
    found: list[str] = []
    for item in listed(common.get(group)):
        name = mapping(item).get("name")
        for process in PROCESSES:
            own = mapping(mapping(mapping(spec.get(process)).get("podTemplate")).get("spec"))
            both = [_mounts(common, group, name), _mounts(own, group, name)]
            if isinstance(name, str) and all(both) and any(map(_has_volume_twice, both)) and name not in found:
                found.append(name)
    return found


def _mounts(pod: Mapping[str, object], group: str, name: object) -> list[object]:
    named = (mapping(item) for item in listed(pod.get(group)))
    nothing: list[object] = []
    return next((listed(item.get("volumeMounts")) for item in named if item.get("name") == name), nothing)


def _has_volume_twice(mounts: list[object]) -> bool:
    names = [str(mapping(mount).get("name")) for mount in mounts]
    return len(set(names)) < len(names)


def templates(spec: Mapping[str, object]) -> list[Template]:
    """Both processes' templates; arrays are merged by name, as the platform has the operator do it.

    Args:
        spec: of a FlinkDeployment, merged.
    """
    common = mapping(mapping(spec.get("podTemplate")).get("spec"))
    found: list[Template] = []
    for process in PROCESSES:
        own = mapping(mapping(mapping(spec.get(process)).get("podTemplate")).get("spec"))
        places = {
            (group, str(mapping(item).get("name"))): (*path, group, index)
            for path, pod in ((("podTemplate", "spec"), common), ((process, "podTemplate", "spec"), own))
            for group in GROUPS
            for index, item in enumerate(listed(pod.get(group)))
        }
        found.append(Template(process, merge_mappings(common, own), ("podTemplate", "spec"), places))
    return found
