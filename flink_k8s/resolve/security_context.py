"""The derived security context of job pods, which satisfies the restricted Pod Security profile."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, in_template
from flink_k8s.resolve.pod_templates import GROUPS, PROCESSES

FLINK_USER = 9999
"""Id of user and group `flink` in Flink's official images; Kubernetes needs a number to verify that it is not root."""

_POD: Mapping[str, object] = {
    "runAsNonRoot": True,
    "runAsUser": FLINK_USER,
    "runAsGroup": FLINK_USER,
    "fsGroup": FLINK_USER,
    # Otherwise the kubelet would process all files of a claim at each start of a pod.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

_CONTAINER: Mapping[str, object] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def derived_security(kind: FlinkKind, spec: Mapping[str, object]) -> dict[str, object]:
    """The derived part of a spec: security contexts of the pods, of Flink's container and of all other containers.

    The root file system is not read-only: Flink's image writes logs, links of plugins and PyFlink's environment to it.

    Args:
        kind: of the resource.
        spec: merged from all later sources, without a blue/green deployment's template.
    """
    if not kind.has_pods:
        return {}
    pod = dict(_POD)
    if _is_root(spec):
        # A root container with runAsNonRoot does not start. The rules report root; do not break the job here.
        del pod["runAsNonRoot"]
    derived: dict[str, object] = {"podTemplate": {"spec": {"securityContext": pod, **_template(spec, with_flink=True)}}}
    for process in PROCESSES:
        if own := _template(mapping(spec.get(process)), with_flink=False):
            derived[process] = {"podTemplate": {"spec": own}}
    return in_template(kind, derived)


def _template(spec_part: Mapping[str, object], *, with_flink: bool) -> dict[str, object]:
    pod = mapping(mapping(spec_part.get("podTemplate")).get("spec"))
    groups: dict[str, object] = {}
    for group in GROUPS:
        containers = {str(mapping(item).get("name")): mapping(item) for item in listed(pod.get(group))}
        names = [name for name in containers if name != MAIN_CONTAINER or group != "containers"]
        if with_flink and group == "containers":
            names = [MAIN_CONTAINER, *names]
        contexts = [
            {"name": name, "securityContext": dict(_CONTAINER)}
            for name in names
            if mapping(containers.get(name, {}).get("securityContext")).get("privileged") is not True
        ]
        if contexts:
            groups[group] = contexts
    return groups


def _is_root(spec: Mapping[str, object]) -> bool:
    """Whether any pod or container in the templates runs as root."""
    for spec_part in (spec, *(mapping(spec.get(process)) for process in PROCESSES)):
        pod = mapping(mapping(spec_part.get("podTemplate")).get("spec"))
        contexts = [pod, *(mapping(item) for group in GROUPS for item in listed(pod.get(group)))]
        if any(mapping(context.get("securityContext")).get("runAsUser") == 0 for context in contexts):
            return True
    return False
