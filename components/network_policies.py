"""NetworkPolicies: what `flink_k8s.resolve.traffic` lets pass, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pulumi

from components.dependencies import Turns, after
from components.kubernetes_object import KubernetesObject
from components.namespace import JobNamespace
from flink_k8s.config.network import Endpoint, Peer, port_range
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_spec
from flink_k8s.resolve.traffic import DENY, EGRESS, OPERATOR_PODS, Traffic, clusters, of_job, of_operator, policy_name

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes itself gives every namespace its name as this label."""


def network_policies(
    platform: DeclaredStack,
    namespaces: Mapping[str, JobNamespace],
    below: pulumi.Input[pulumi.Resource] | None,
    opts: pulumi.ResourceOptions,
) -> Mapping[str, Sequence[pulumi.Resource]]:
    """A policy for each job's pods, and for each namespace what all of its pods may reach, then that nothing else may.

    A job's policy is whole: from the moment that it is there its pods can do all that they need, so nothing is cut off
    when policies come to a platform that runs. What no policy speaks of is cut off last.

    Args:
        platform: what the stack declares.
        namespaces: that the stack makes, by name; each one's needs grow by its policies.
        below: the platform's stack, which makes the namespaces; None when this one does.
        opts: provider, for what lies in no namespace of the stack's own.

    Returns:
        The policies of jobs' pods, by namespace.
    """
    if not platform.settings.network_policies.enabled:
        return {}
    needed = [below] if below is not None else []
    outside = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=after(needed)))
    inside = {
        home.name: pulumi.ResourceOptions(parent=home, depends_on=after(home.before)) for home in namespaces.values()
    }
    turns = Turns()
    made: dict[str, list[pulumi.Resource]] = {}
    for job in platform.jobs:
        if (traffic := of_job(job, platform.settings)) is not None:
            made.setdefault(job.namespace, []).append(_of_job(job, traffic, inside.get(job.namespace, outside), turns))
    for home in namespaces.values():
        if home.namespace is None:  # others use it, and none of their pods is cut off
            home.needed += made.get(home.name, ())
            continue
        if egress := platform.settings.namespaces[home.name].egress:
            spec = {"egress": rules("to", egress)}
            home.needed.append(_policy(f"{home.name}-{EGRESS}", EGRESS, home.name, {}, spec, inside[home.name]))
        # After the account, too: so its place in the graph is the same with and without jobs.
        last = pulumi.ResourceOptions(parent=home, depends_on=[*home.needed, *made.get(home.name, ())])
        home.needed.append(_deny(home.name, last))
    return made


def operator_policies(
    platform: DeclaredStack, namespace: pulumi.Resource, parent: pulumi.Resource
) -> Sequence[KubernetesObject]:
    """The policies of the operator's namespace: what its pods may do, and that nobody else may do anything there.

    Args:
        platform: what the stack declares.
        namespace: of the operator.
        parent: of the resources.
    """
    if not platform.settings.network_policies.enabled:
        return ()
    home = platform.settings.operator.namespace
    traffic = of_operator(platform.settings, platform.jobs)
    spec = {"ingress": rules("from", traffic.ingress), "egress": rules("to", traffic.egress)}
    inside = pulumi.ResourceOptions(parent=parent, depends_on=[namespace])
    own = _policy(f"{home}-operator", "operator", home, {"matchLabels": OPERATOR_PODS}, spec, inside)
    return own, _deny(home, pulumi.ResourceOptions(parent=parent, depends_on=[own]))


def _of_job(job: Job, traffic: Traffic, opts: pulumi.ResourceOptions, turns: Turns) -> KubernetesObject:
    name = policy_name(job)
    pods = _pods(job)
    spec: dict[str, Any] = {"egress": rules("to", traffic.egress)}
    if job.kind != "FlinkSessionJob":
        # Flink's processes talk to each other at ports that they choose.
        among = {"podSelector": pods}
        spec = {
            "ingress": [{"from": [among]}, *rules("from", traffic.ingress)],
            "egress": [{"to": [among]}, *spec["egress"]],
        }
    return _policy(f"{job.namespace}/{name}", name, job.namespace, pods, spec, opts, turns)


def _pods(job: Job) -> dict[str, Any]:
    """Selects a job's pods by the labels that Flink gives them, which no job can change."""
    names = clusters(job)
    if job.kind == "FlinkSessionJob":
        return {"matchLabels": {"app": names[0]}}
    mode = str(cluster_spec(job.kind, job.spec).get("mode") or "native")
    kind = {"type": f"flink-{mode}-kubernetes"}
    if len(names) == 1:
        return {"matchLabels": {"app": names[0], **kind}}
    return {"matchLabels": kind, "matchExpressions": [{"key": "app", "operator": "In", "values": list(names)}]}


def _deny(namespace: str, opts: pulumi.ResourceOptions) -> KubernetesObject:
    return _policy(f"{namespace}-{DENY}", DENY, namespace, {}, {"ingress": [], "egress": []}, opts)


def _policy(
    resource: str,
    name: str,
    namespace: str,
    pods: Mapping[str, Any],
    spec: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    turns: Turns | None = None,
) -> KubernetesObject:
    types = [key.capitalize() for key in spec]
    said = {"podSelector": pods, "policyTypes": types, **{key: rules for key, rules in spec.items() if rules}}
    metadata = {"name": name, "namespace": namespace, "labels": labels(name)}
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": said}
    return KubernetesObject(resource, manifest, opts, turns)


def rules(direction: str, endpoints: Sequence[Endpoint]) -> list[dict[str, Any]]:
    """Rules of a NetworkPolicy; neighbours with the same ports become one rule.

    Args:
        direction: `from` or `to`.
        endpoints: what is let pass.
    """
    found: list[dict[str, Any]] = []
    for at, group in groupby(endpoints, lambda one: tuple(one.ports)):
        peers = list(group)
        rule: dict[str, Any] = {}
        if not any(peer.is_anybody for peer in peers):  # a rule without peers means everybody
            rule[direction] = [_peer(peer) for peer in peers]
        if at:
            rule["ports"] = list(_ports(at))
        found.append(rule)
    return found


def _peer(peer: Peer) -> dict[str, Any]:
    if peer.cidr is not None:
        return {"ipBlock": {"cidr": peer.cidr, **({"except": list(peer.except_)} if peer.except_ else {})}}
    found: dict[str, Any] = {}
    if peer.namespace is not None:
        found["namespaceSelector"] = {"matchLabels": {NAMESPACE_LABEL: peer.namespace}}
    if peer.pods:
        found["podSelector"] = {"matchLabels": dict(peer.pods)}
    return found


def _ports(ports: Sequence[str]) -> Iterator[dict[str, Any]]:
    for port in ports:
        first, last, protocol = port_range(port)
        yield {"port": first, "protocol": protocol, **({"endPort": last} if last != first else {})}
