"""Requests and limits of containers: without a request the scheduler guesses; a container without a limit can use all
memory of the node.
"""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

_GROUPS = ("initContainers", "containers")


def check(subject: Subject) -> None:
    """Check the containers of a Flink cluster, except for Flink's own, whose size follows from `resource`."""
    spec, path = subject.spec, subject.at
    shared = mapping(spec.get("podTemplate"))
    for process in ("jobManager", "taskManager"):
        own = mapping(mapping(spec.get(process)).get("podTemplate"))
        pod = mapping(merge_mappings(shared, own).get("spec"))
        for group in _GROUPS:
            names = [mapping(container).get("name") for container in listed(mapping(shared.get("spec")).get(group))]
            for index, container in enumerate(listed(pod.get(group))):
                name = mapping(container).get("name")
                place = (*path, "podTemplate") if name in names else (*path, process, "podTemplate")
                if name != MAIN_CONTAINER:
                    _check_container(mapping(container), (*place, "spec", group, index), subject.report)


def check_pod(pod: Mapping[str, object], path: KeyPath, report: Report) -> None:
    """Check the containers of a pod's spec at the path."""
    for group in _GROUPS:
        for index, container in enumerate(listed(pod.get(group))):
            _check_container(mapping(container), (*path, group, index), report)


def _check_container(container: Mapping[str, object], path: KeyPath, report: Report) -> None:
    resources = mapping(container.get("resources"))
    requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
    # Kubernetes copies a limit to a missing request.
    missing = [f"requests.{resource}" for resource in ("cpu", "memory") if resource not in {**limits, **requests}]
    missing += [] if "memory" in limits else ["limits.memory"]
    if missing:
        message = f"of container {container.get('name')} lacks {', '.join(missing)}; set it"
        report("container-resources", (*path, "resources"), message)
