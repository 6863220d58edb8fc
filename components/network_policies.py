"""NetworkPolicies: they allow the connections that `flink_k8s.resolve.traffic` lists, and deny all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pulumi

from components.kubernetes_object import KubernetesObject
from flink_k8s.config.network import Endpoint, Peer, port_range
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_spec
from flink_k8s.resolve.traffic import DENY, EGRESS, OPERATOR_PODS, Traffic, clusters, policy_name

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes itself gives every namespace its name as this label."""


def egress_policy(namespace: str, egress: Sequence[Endpoint], opts: pulumi.ResourceOptions) -> KubernetesObject:
    """What every pod of a namespace may connect to.

    Args:
        namespace: of the policy.
        egress: what the pods may connect to.
        opts: parent; must depend on the namespace.
    """
    return _policy(f"{namespace}-{EGRESS}", EGRESS, namespace, {}, {"egress": rules("to", egress)}, opts)


def operator_policies(
    namespace: str, traffic: Traffic, opts: pulumi.ResourceOptions
) -> tuple[KubernetesObject, KubernetesObject]:
    """The policies of the operator's namespace: what the operator's pods may do, and that all else is denied.

    Args:
        namespace: of the operator.
        traffic: of the operator's pods.
        opts: parent; must depend on the namespace.
    """
    spec = {"ingress": rules("from", traffic.ingress), "egress": rules("to", traffic.egress)}
    own = _policy(f"{namespace}-operator", "operator", namespace, {"matchLabels": OPERATOR_PODS}, spec, opts)
    last = pulumi.ResourceOptions(parent=opts.parent, depends_on=[own])
    return own, deny_policy(namespace, last)


def job_policy(job: Job, traffic: Traffic, opts: pulumi.ResourceOptions) -> KubernetesObject:
    """What the pods of a job may do. The policy is complete: it breaks no connection of a job that already runs.

    Args:
        job: as it is deployed.
        traffic: of its pods.
        opts: parent; must depend on the namespace.
    """
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
    return _policy(f"{job.namespace}/{name}", name, job.namespace, pods, spec, opts)


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


def deny_policy(namespace: str, opts: pulumi.ResourceOptions) -> KubernetesObject:
    """Denies every connection that no other policy of the namespace allows.

    Args:
        namespace: of the policy.
        opts: parent; must depend on the policies that allow connections.
    """
    return _policy(f"{namespace}-{DENY}", DENY, namespace, {}, {"ingress": [], "egress": []}, opts)


def _policy(
    resource: str,
    name: str,
    namespace: str,
    pods: Mapping[str, Any],
    spec: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    types = [key.capitalize() for key in spec]
    declared = {"podSelector": pods, "policyTypes": types, **{key: rules for key, rules in spec.items() if rules}}
    metadata = {"name": name, "namespace": namespace, "labels": labels(name)}
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": declared}
    return KubernetesObject(resource, manifest, opts)


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
