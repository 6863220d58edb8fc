"""The parts of a platform that exist in a cluster, as entries of a stack file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flink_k8s.config.namespace import POD_SECURITY_LABEL, is_in_every_cluster
from flink_k8s.config.secret_text import is_secret
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.resolve.existing_operator import CONFIG_MAP, ExistingOperator
from flink_k8s.support.kubectl import Kubectl


@dataclass(frozen=True)
class Installation:
    """The existing parts of a platform.

    Attributes:
        entries: of the stack config, by key without prefix.
        notes: what is missing or ambiguous.
    """

    entries: Mapping[str, object]
    notes: tuple[str, ...] = ()


def read_installation(kubectl: Kubectl, namespaces: Iterable[str]) -> Installation:
    """Read operator, Prometheus and namespaces of a cluster.

    Args:
        kubectl: for the cluster.
        namespaces: of jobs.

    Raises:
        CommandError: if the cluster does not answer.
    """
    operator, notes = _operator(kubectl)
    entries: dict[str, object] = {
        "namespaces": {name: _namespace(kubectl, name) for name in namespaces},
        "certManager": {"enabled": False},
        "operator": {"enabled": False, **operator},
        "prometheus": {"enabled": False, "monitors": False, **_prometheus(kubectl)},
    }
    return Installation(entries, tuple(notes))


def _namespace(kubectl: Kubectl, name: str) -> dict[str, object]:
    labels = mapping(mapping((kubectl.get("namespace", name) or {}).get("metadata")).get("labels"))
    created = {} if is_in_every_cluster(name) else {"create": False}
    # Without the label, Kubernetes accepts privileged pods.
    profile = str(labels.get(f"{POD_SECURITY_LABEL}enforce", "privileged"))
    return {**created, "createAccount": False, "podSecurity": profile}


def _operator(kubectl: Kubectl) -> tuple[dict[str, object], list[str]]:
    deployments = kubectl.items("deployments.apps", "-A", "-l", f"app.kubernetes.io/name={OPERATOR_RELEASE}")
    if not deployments:
        return {}, ["no operator has the label app.kubernetes.io/name: flink-kubernetes-operator; set operator.version"]
    deployment = deployments[0]
    namespace = str(deployment["metadata"]["namespace"])
    entry: dict[str, object] = {"namespace": namespace}
    notes: list[str] = []
    operator = ExistingOperator.of(namespace, deployment, kubectl.get("configmap", CONFIG_MAP, "-n", namespace) or {})
    if operator.version is None:
        notes.append(f"the operator in {namespace} has no version in its image or labels; set operator.version")
    else:
        entry["version"] = operator.version
    if not operator.has_webhook:
        entry["webhook"] = False
    if len(deployments) > 1:
        others = ", ".join(str(item["metadata"]["namespace"]) for item in deployments[1:])
        notes.append(f"the cluster has several operators; the stack uses that in {namespace}, not in {others}")
    configuration = operator.configuration or {}
    secrets = [key for key, value in configuration.items() if is_secret(key, value)]
    if shown := {key: value for key, value in configuration.items() if key not in secrets}:
        entry["configuration"] = shown
    if secrets:
        notes.append(f"options of the operator that look like secrets are left out: {', '.join(secrets)}")
    return entry, notes


def _prometheus(kubectl: Kubectl) -> dict[str, object]:
    """Namespace of the existing Prometheus, and the labels by which it selects PodMonitors and rules."""
    servers = kubectl.items("prometheuses.monitoring.coreos.com", "-A")
    if not servers:
        return {}
    spec, namespace = mapping(servers[0].get("spec")), str(servers[0]["metadata"]["namespace"])
    labels: dict[str, object] = {}
    for selector in ("podMonitorSelector", "ruleSelector"):
        labels |= mapping(mapping(spec.get(selector)).get("matchLabels"))
    return {"namespace": namespace, **({"labels": labels} if labels else {})}
