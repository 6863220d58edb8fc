"""NetworkPolicies: they allow the connections that `flink_k8s.resolve.traffic` lists, and deny all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicy,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

from flink_k8s.components.component import resource_name
from flink_k8s.config.network import Endpoint, Peer, port_range
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_spec
from flink_k8s.resolve.traffic import DENY, EGRESS, NAMESPACE_LABEL, OPERATOR_PODS, Traffic, clusters, policy_name


def egress_policy(namespace: str, egress: Sequence[Endpoint], opts: pulumi.ResourceOptions) -> NetworkPolicy:
    """The policy that allows connections of every pod of a namespace.

    Args:
        namespace: of the policy.
        egress: the allowed destinations.
        opts: parent; must depend on the namespace.
    """
    return _policy(f"{namespace}-{EGRESS}", EGRESS, namespace, LabelSelectorArgs(), None, _egress(egress), opts)


def operator_policies(
    namespace: str, traffic: Traffic, opts: pulumi.ResourceOptions
) -> tuple[NetworkPolicy, NetworkPolicy]:
    """The policies of the operator's namespace: one allows the operator's connections, one denies all others.

    Args:
        namespace: of the operator.
        traffic: of the operator's pods.
        opts: parent; must depend on the namespace.
    """
    pods = LabelSelectorArgs(match_labels=OPERATOR_PODS)
    ingress, egress = _ingress(traffic.ingress), _egress(traffic.egress)
    own = _policy(f"{namespace}-operator", "operator", namespace, pods, ingress, egress, opts)
    last = pulumi.ResourceOptions(parent=opts.parent, depends_on=[own])
    return own, deny_policy(namespace, last)


def job_policy(job: Job, traffic: Traffic, opts: pulumi.ResourceOptions) -> NetworkPolicy:
    """The policy of a job's pods. It allows all connections of a job, so that a running job loses none.

    Args:
        job: the merged job.
        traffic: of its pods.
        opts: parent; must depend on the namespace.
    """
    name = policy_name(job)
    pods = _pods(job)
    ingress, egress = None, _egress(traffic.egress)
    if job.kind is not FlinkKind.SESSION_JOB:
        # Flink's processes connect to each other on random ports.
        each_other = NetworkPolicyPeerArgs(pod_selector=pods)
        ingress = [NetworkPolicyIngressRuleArgs(from_=[each_other]), *_ingress(traffic.ingress)]
        egress = [NetworkPolicyEgressRuleArgs(to=[each_other]), *egress]
    return _policy(f"{job.namespace}/{name}", name, job.namespace, pods, ingress, egress, opts)


def _pods(job: Job) -> LabelSelectorArgs:
    """The selector of a job's pods by the labels that Flink sets, which no job can change."""
    names = clusters(job)
    if job.kind is FlinkKind.SESSION_JOB:
        return LabelSelectorArgs(match_labels={"app": names[0]})
    mode = str(cluster_spec(job.kind, job.spec).get("mode") or "native")
    kind = {"type": f"flink-{mode}-kubernetes"}
    if len(names) == 1:
        return LabelSelectorArgs(match_labels={"app": names[0], **kind})
    either = LabelSelectorRequirementArgs(key="app", operator="In", values=[*names])
    return LabelSelectorArgs(match_labels=kind, match_expressions=[either])


def deny_policy(namespace: str, opts: pulumi.ResourceOptions) -> NetworkPolicy:
    """The policy that denies every connection that no other policy of the namespace allows.

    Args:
        namespace: of the policy.
        opts: parent; must depend on the policies that allow connections.
    """
    return _policy(f"{namespace}-{DENY}", DENY, namespace, LabelSelectorArgs(), [], [], opts)


def _policy(
    resource: str,
    name: str,
    namespace: str,
    pods: LabelSelectorArgs,
    ingress: Sequence[NetworkPolicyIngressRuleArgs] | None,
    egress: Sequence[NetworkPolicyEgressRuleArgs],
    opts: pulumi.ResourceOptions,
) -> NetworkPolicy:
    """A policy. Without `ingress` it does not restrict incoming connections; an empty list denies all of them."""
    return NetworkPolicy(
        resource_name(resource, opts),
        metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels(name)),
        spec=NetworkPolicySpecArgs(
            pod_selector=pods,
            policy_types=[*(["Ingress"] if ingress is not None else []), "Egress"],
            ingress=ingress or None,
            egress=egress or None,
        ),
        opts=opts,
    )


Rule = tuple[Sequence[NetworkPolicyPeerArgs] | None, Sequence[NetworkPolicyPortArgs] | None]
"""Peers, None for all; ports, None for all."""


def _ingress(endpoints: Sequence[Endpoint]) -> list[NetworkPolicyIngressRuleArgs]:
    return [NetworkPolicyIngressRuleArgs(from_=peers, ports=ports) for peers, ports in rules(endpoints)]


def _egress(endpoints: Sequence[Endpoint]) -> list[NetworkPolicyEgressRuleArgs]:
    return [NetworkPolicyEgressRuleArgs(to=peers, ports=ports) for peers, ports in rules(endpoints)]


def rules(endpoints: Sequence[Endpoint]) -> Iterator[Rule]:
    """The rules of a NetworkPolicy; adjacent endpoints with the same ports become one rule.

    Args:
        endpoints: the allowed connections.
    """
    for ports, group in groupby(endpoints, lambda endpoint: tuple(endpoint.ports)):
        peers = list(group)
        yield (
            None if any(peer.is_anybody for peer in peers) else [_peer(peer) for peer in peers],
            list(_ports(ports)) or None,
        )


def _peer(peer: Peer) -> NetworkPolicyPeerArgs:
    if peer.cidr is not None:
        return NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=peer.cidr, except_=list(peer.except_) or None))
    return NetworkPolicyPeerArgs(
        namespace_selector=LabelSelectorArgs(match_labels={NAMESPACE_LABEL: peer.namespace})
        if peer.namespace is not None
        else None,
        pod_selector=LabelSelectorArgs(match_labels=dict(peer.pods)) if peer.pods else None,
    )


def _ports(ports: Sequence[str]) -> Iterator[NetworkPolicyPortArgs]:
    for port in ports:
        first, last, protocol = port_range(port)
        yield NetworkPolicyPortArgs(port=first, protocol=protocol, end_port=last if last != first else None)
