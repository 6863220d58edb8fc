"""Values of the operator's chart, of all releases from 1.7 on."""

from __future__ import annotations

from collections.abc import Mapping

OPERATOR_VALUES: Mapping[str, frozenset[str]] = {
    "defaultConfiguration": frozenset(
        {
            *("append", "config.yaml", "create", "flink-conf.yaml", "log4j-console.properties"),
            *("log4j-operator.properties", "logback-console.xml", "logback-operator.xml"),
        }
    ),
    "image": frozenset({"digest", "pullPolicy", "repository", "tag"}),
    "jobServiceAccount": frozenset({"annotations", "create", "name"}),
    "jvmArgs": frozenset({"operator", "webhook"}),
    "logging": frozenset({"framework"}),
    "metrics": frozenset({"port"}),
    "operatorHealth": frozenset({"livenessProbe", "port", "startupProbe"}),
    "operatorPod": frozenset(
        {
            *("affinity", "annotations", "dnsConfig", "dnsPolicy", "env", "envFrom", "initContainers", "labels"),
            *("nodeSelector", "priorityClassName", "resources", "sidecarContainers", "tolerations"),
            *("topologySpreadConstraints", "webhook"),
        }
    ),
    "operatorServiceAccount": frozenset({"annotations", "create", "name"}),
    "operatorVolumeMounts": frozenset({"create", "data"}),
    "operatorVolumes": frozenset({"create", "data"}),
    "rbac": frozenset({"create", "jobRole", "jobRoleBinding", "nodesRule", "operatorRole", "operatorRoleBinding"}),
    "tls": frozenset({"create", "secretKeyRef", "secretName"}),
    "webhook": frozenset({"create", "keystore", "serviceLabels"}),
    **dict.fromkeys(
        (
            *("fullnameOverride", "global", "imagePullSecrets", "nameOverride", "operatorSecurityContext"),
            *("podSecurityContext", "postStart", "replicas", "strategy", "watchNamespaces", "webhookSecurityContext"),
        ),
        frozenset[str](),
    ),
}
"""Keys of each value; empty for a value with other keys, or without keys."""
