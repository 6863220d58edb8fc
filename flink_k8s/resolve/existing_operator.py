"""A Flink operator that exists in the cluster, as its Deployment and its ConfigMap describe it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.resolve.job_spec import flat

CONFIG_MAP: Final = "flink-operator-config"
"""Name of the ConfigMap in every release of the operator's chart."""

_IMAGE: Final = re.compile(r"flink-kubernetes-operator:v?(\d+\.\d+\.\d+[\w.-]*)")
_VERSION_LABEL: Final = "app.kubernetes.io/version"
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+[\w.-]*")
_WEBHOOK_CONTAINER: Final = "flink-webhook"
_WATCHED_OPTION: Final = "kubernetes.operator.watched.namespaces"
_WATCHED_VARIABLE: Final = "WATCH_NAMESPACES"
"""Environment variable of the operator that overrides the option, unless its value is blank."""

_ALL_NAMESPACES: Final = "JOSDK_ALL_NAMESPACES"
"""The default of the option."""


@dataclass(frozen=True)
class ExistingOperator:
    """An operator in the cluster.

    Attributes:
        namespace: of the operator.
        version: of the operator; None if neither its image nor its label contains a version.
        watched: the namespaces that it watches; empty if it watches all.
        has_webhook: whether it has an admission webhook.
        configuration: its own configuration and the defaults of all jobs, flat; None if it could not be read.
    """

    namespace: str
    version: str | None
    watched: frozenset[str]
    has_webhook: bool
    configuration: Mapping[str, str] | None

    @classmethod
    def of(
        cls, namespace: str, deployment: Mapping[str, object], config_map: Mapping[str, object] | None
    ) -> ExistingOperator:
        """The operator of a Deployment.

        Args:
            namespace: of the operator.
            deployment: the operator's Deployment.
            config_map: its ConfigMap; None if it could not be read.
        """
        pod = mapping(mapping(mapping(deployment.get("spec")).get("template")).get("spec"))
        containers = [mapping(container) for container in listed(pod.get("containers"))]
        own = [container for container in containers if container.get("name") == OPERATOR_RELEASE]
        variables = [mapping(variable) for container in own for variable in listed(container.get("env"))]
        configuration = None if config_map is None else _configuration(mapping(config_map.get("data")), _mounted(pod))
        texts = [
            str(variable.get("value") or "") for variable in variables if variable.get("name") == _WATCHED_VARIABLE
        ]
        names = next(filter(str.strip, texts), (configuration or {}).get(_WATCHED_OPTION, ""))
        return cls(
            namespace,
            version_of(deployment),
            frozenset(name.strip() for name in names.split(",")) - {"", _ALL_NAMESPACES},
            any(container.get("name") == _WEBHOOK_CONTAINER for container in containers),
            configuration,
        )

    def watches(self, namespace: str) -> bool:
        """Whether the operator reconciles Flink resources in a namespace."""
        return not self.watched or namespace in self.watched


def with_configuration(settings: OperatorSettings, operator: ExistingOperator | None) -> OperatorSettings:
    """The settings with the configuration of the operator in the cluster, where the stack sets no other."""
    if operator is None or not operator.configuration:
        return settings
    return settings.model_copy(update={"configuration": {**operator.configuration, **settings.configuration}})


def version_of(deployment: Mapping[str, object]) -> str | None:
    """The version of the operator of a Deployment: the tag of its image, or the label that the chart sets.

    Returns:
        The version; None if neither is a version.
    """
    pod = mapping(mapping(mapping(deployment.get("spec")).get("template")).get("spec"))
    images = [str(mapping(container).get("image")) for container in listed(pod.get("containers"))]
    tag = next((match[1] for image in images if (match := _IMAGE.search(image))), None)
    label = str(mapping(mapping(deployment.get("metadata")).get("labels")).get(_VERSION_LABEL, ""))
    return tag or (label if _VERSION.fullmatch(label) else None)


def _mounted(pod: Mapping[str, object]) -> str:
    """The key of the ConfigMap that the Deployment mounts; the chart writes `flink-conf.yaml` and `config.yaml`."""
    for volume in listed(pod.get("volumes")):
        source = mapping(mapping(volume).get("configMap"))
        if source.get("name") == CONFIG_MAP:
            keys = {str(mapping(item).get("key")) for item in listed(source.get("items"))}
            return "flink-conf.yaml" if "flink-conf.yaml" in keys else "config.yaml"
    return "config.yaml"


def _configuration(data: Mapping[str, object], key: str) -> Mapping[str, str]:
    """The configuration in a ConfigMap, flat.

    `config.yaml` is YAML; in `flink-conf.yaml` each line is a key, a colon, and a text without quotes.
    """
    text = str(data.get(key) or "")
    if key == "config.yaml":
        try:
            content: object = yaml.load(text, yaml.BaseLoader)
        except yaml.YAMLError:
            return {}
        return {name: str(value) for name, value in flat(mapping(content)).items() if value is not None}
    lines = (line.partition(" #")[0] for line in text.splitlines() if not line.lstrip().startswith("#"))
    pairs = (line.partition(": ") for line in lines)
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}
