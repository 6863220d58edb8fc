"""What containers ask for: without requests the scheduler guesses, without a limit one takes the node's memory."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.config.findings import Say
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

_GROUPS = ("initContainers", "containers")


def look_at_flink(spec: Mapping[str, object], at: KeyPath, say: Say) -> None:
    """The containers beside Flink's own, which gets requests and limits from `resource`.

    Args:
        spec: with podTemplate, jobManager, taskManager; each process' template is laid onto the shared one.
        at: where it begins in the manifest.
        say: takes what is found.
    """
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
                    _look(mapping(container), (*place, "spec", group, index), say)


def look(pod: Mapping[str, object], at: KeyPath, say: Say) -> None:
    """A pod's spec.

    Args:
        pod: the spec.
        at: where it stands in the manifest.
        say: takes what is found.
    """
    for group in _GROUPS:
        for index, container in enumerate(listed(pod.get(group))):
            _look(mapping(container), (*at, group, index), say)


def _look(container: Mapping[str, object], at: KeyPath, say: Say) -> None:
    said = mapping(container.get("resources"))
    requests, limits = mapping(said.get("requests")), mapping(said.get("limits"))
    # A limit without a request is one: Kubernetes copies it.
    missing = [f"requests.{what}" for what in ("cpu", "memory") if what not in {**limits, **requests}]
    missing += [] if "memory" in limits else ["limits.memory"]
    if missing:
        message = f"of {container.get('name')} has no {', '.join(missing)}; say what the container needs and may have"
        say("resources", (*at, "resources"), message)
