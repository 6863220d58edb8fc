"""The pods of a Flink cluster as its spec describes them: the common template with the process' own laid onto it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from settings.merge import merge_mappings
from settings.problems import KeyPath
from settings.rules.subject import listed, mapping

PROCESSES = ("jobManager", "taskManager")
"""Where processes stand in a spec."""

GROUPS = ("containers", "initContainers")


def cluster_spec(kind: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    """The spec that pods come of: a blue/green deployment's is in its template; empty for kinds without pods."""
    if kind == "FlinkBlueGreenDeployment":
        return mapping(mapping(spec.get("template")).get("spec"))
    return spec if kind == "FlinkDeployment" else {}


def cluster_place(kind: str) -> KeyPath:
    """Where that spec begins in the manifest."""
    return ("spec", "template", "spec") if kind == "FlinkBlueGreenDeployment" else ("spec",)


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
