"""The parts of a platform that exist in a cluster, as entries of a stack file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from flink_k8s.config.namespace import POD_SECURITY_LABEL, is_in_every_cluster
from flink_k8s.config.secret_text import is_secret
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.health.operator_version import version_of
from flink_k8s.resolve.job_spec import flat
from flink_k8s.support.kubectl import Kubectl

_OPERATOR_CONFIGURATION: Final = "flink-operator-config"
"""The ConfigMap of the operator's chart, in all versions."""

_CONFIGURATION_FILES: Final = ("config.yaml", "flink-conf.yaml")


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
    version = version_of(deployment)
    if version is None:
        notes.append(f"the image of the operator in {namespace} has no version; set operator.version")
    else:
        entry["version"] = version
    if len(deployments) > 1:
        others = ", ".join(str(item["metadata"]["namespace"]) for item in deployments[1:])
        notes.append(f"the cluster has several operators; the stack uses that in {namespace}, not in {others}")
    configuration, hidden = _configuration(kubectl.get("configmap", _OPERATOR_CONFIGURATION, "-n", namespace) or {})
    if configuration:
        entry["configuration"] = configuration
    if hidden:
        notes.append(f"options of the operator that look like secrets are left out: {', '.join(hidden)}")
    return entry, notes


def _configuration(config_map: Mapping[str, Any]) -> tuple[dict[str, object], list[str]]:
    """The operator's configuration without plaintext secrets, and the names of the secrets."""
    options: dict[str, object] = {}
    for file in _CONFIGURATION_FILES:
        text = str(mapping(config_map.get("data")).get(file) or "")
        try:
            options |= flat(mapping(yaml.safe_load(text)))
        except yaml.YAMLError:  # Flink's older format accepts more: a line is a key, a colon and a value
            pairs = (line.partition(": ") for line in text.splitlines() if not line.lstrip().startswith("#"))
            options |= {key.strip(): value.strip() for key, colon, value in pairs if colon}
    secrets = [key for key, value in options.items() if is_secret(key, str(value))]
    return {key: value for key, value in options.items() if key not in secrets and value is not None}, secrets


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
