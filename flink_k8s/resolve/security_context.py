"""The security context that the platform gives job pods, so that they keep the restricted profile of Pod Security."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, in_template
from flink_k8s.resolve.pod_templates import GROUPS, PROCESSES

FLINK_USER = 9999
"""User and group `flink` of Flink's official images, by number: so Kubernetes can tell that it is not root."""

_POD: Mapping[str, object] = {
    "runAsNonRoot": True,
    "runAsUser": FLINK_USER,
    "runAsGroup": FLINK_USER,
    "fsGroup": FLINK_USER,
    # A claim with many files would otherwise be gone through at each start of a pod.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

_CONTAINER: Mapping[str, object] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def derived_security(kind: FlinkKind, spec: Mapping[str, object]) -> dict[str, object]:
    """The platform's part of a spec: a context for the pods, Flink's container, and each other one that the spec has.

    A root file system that cannot be written is not in it: Flink's image writes its logs, its plugins' links and
    PyFlink's environment there.

    Args:
        kind: of the resource.
        spec: of all later layers together, without a blue/green deployment's template.
    """
    if not kind.has_pods:
        return {}
    pod = dict(_POD)
    if _is_root(spec):
        # Root that must not be root does not start: the rules speak of it, and nothing is broken here.
        del pod["runAsNonRoot"]
    derived: dict[str, object] = {"podTemplate": {"spec": {"securityContext": pod, **_template(spec, main=True)}}}
    for process in PROCESSES:
        if own := _template(mapping(spec.get(process)), main=False):
            derived[process] = {"podTemplate": {"spec": own}}
    return in_template(kind, derived)


def _template(holder: Mapping[str, object], *, main: bool) -> dict[str, object]:
    pod = mapping(mapping(holder.get("podTemplate")).get("spec"))
    found: dict[str, object] = {}
    for group in GROUPS:
        written = {str(mapping(item).get("name")): mapping(item) for item in listed(pod.get(group))}
        names = [name for name in written if name != MAIN_CONTAINER or group != "containers"]
        if main and group == "containers":
            names = [MAIN_CONTAINER, *names]
        contexts = [
            {"name": name, "securityContext": dict(_CONTAINER)}
            for name in names
            if mapping(written.get(name, {}).get("securityContext")).get("privileged") is not True
        ]
        if contexts:
            found[group] = contexts
    return found


def _is_root(spec: Mapping[str, object]) -> bool:
    """Whether anything in the templates says that it runs as root."""
    for holder in (spec, *(mapping(spec.get(process)) for process in PROCESSES)):
        pod = mapping(mapping(holder.get("podTemplate")).get("spec"))
        contexts = [pod, *(mapping(item) for group in GROUPS for item in listed(pod.get(group)))]
        if any(mapping(one.get("securityContext")).get("runAsUser") == 0 for one in contexts):
            return True
    return False
