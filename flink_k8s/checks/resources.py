"""What containers ask for: without requests the scheduler guesses, without a limit one takes the node's memory."""

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
    """The containers of a Flink cluster other than Flink's own, whose size is that of `resource`."""
    spec, at = subject.spec, subject.at
    shared = mapping(spec.get("podTemplate"))
    for process in ("jobManager", "taskManager"):
        own = mapping(mapping(spec.get(process)).get("podTemplate"))
        pod = mapping(merge_mappings(shared, own).get("spec"))
        for group in _GROUPS:
            names = [mapping(one).get("name") for one in listed(mapping(shared.get("spec")).get(group))]
            for index, container in enumerate(listed(pod.get(group))):
                name = mapping(container).get("name")
                place = (*at, "podTemplate") if name in names else (*at, process, "podTemplate")
                if name != MAIN_CONTAINER:
                    _check_container(mapping(container), (*place, "spec", group, index), subject.report)


def check_pod(pod: Mapping[str, object], at: KeyPath, report: Report) -> None:
    """The containers of a pod's spec at that path."""
    for group in _GROUPS:
        for index, container in enumerate(listed(pod.get(group))):
            _check_container(mapping(container), (*at, group, index), report)


def _check_container(container: Mapping[str, object], at: KeyPath, report: Report) -> None:
    said = mapping(container.get("resources"))
    requests, limits = mapping(said.get("requests")), mapping(said.get("limits"))
    # A limit without a request is one: Kubernetes copies it.
    missing = [f"requests.{what}" for what in ("cpu", "memory") if what not in {**limits, **requests}]
    missing += [] if "memory" in limits else ["limits.memory"]
    if missing:
        message = f"of {container.get('name')} has no {', '.join(missing)}; say what the container needs and may have"
        report("container-resources", (*at, "resources"), message)
