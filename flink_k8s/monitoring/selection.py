"""Whether the Prometheus objects of a cluster select the platform's PodMonitors and alert rules.

Semantics: API reference of the Prometheus operator. A selector that is not set selects no object; an empty one selects
all. A namespace selector that is not set selects the namespace of the Prometheus; an empty one selects all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flink_k8s.config.model import StackSettings
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.monitoring.metrics import ALERT_RULES, CERTIFICATES_MONITOR, JOBS_MONITOR, OPERATOR_MONITOR

Object = Mapping[str, object]
Labels = Mapping[str, str]

_SELECTORS: Final = {
    "PodMonitor": ("podMonitorSelector", "podMonitorNamespaceSelector"),
    "PrometheusRule": ("ruleSelector", "ruleNamespaceSelector"),
}
"""Kind to the fields of Prometheus, PrometheusAgent and ThanosRuler that select its objects."""

_SELECTED_BY: Final = {
    "PodMonitor": ("Prometheus", "PrometheusAgent"),
    "PrometheusRule": ("Prometheus", "ThanosRuler"),
}


@dataclass(frozen=True)
class Selectable:
    """A PodMonitor or PrometheusRule of the platform.

    Attributes:
        kind: `PodMonitor` or `PrometheusRule`.
        namespace: of the object.
        labels: of the object.
        namespace_labels: of its namespace, as far as they are known.
    """

    kind: str
    namespace: str
    labels: Labels
    namespace_labels: Labels


def monitoring_objects(settings: StackSettings, namespaces: Mapping[str, Labels]) -> list[Selectable]:
    """The PodMonitors and alert rules that a stack creates for a Prometheus of the cluster.

    Args:
        settings: of the stack.
        namespaces: labels of the namespaces in the cluster.
    """
    operator = settings.operator.namespace
    places = [("PodMonitor", OPERATOR_MONITOR, operator)]
    places += [("PodMonitor", JOBS_MONITOR, name) for name in settings.own_namespaces]
    if settings.cert_manager.enabled:
        places.append(("PodMonitor", CERTIFICATES_MONITOR, settings.cert_manager.namespace))
    if settings.prometheus.alerts.enabled:
        places.append(("PrometheusRule", ALERT_RULES, operator))

    def labels_of(namespace: str) -> Labels:
        declared = settings.own_namespaces.get(namespace)
        own = declared.labels if declared is not None else {}
        return {"kubernetes.io/metadata.name": namespace, **namespaces.get(namespace, {}), **own}

    return [
        Selectable(kind, namespace, {**labels(name), **settings.prometheus.labels}, labels_of(namespace))
        for kind, name, namespace in places
    ]


def unselected(objects: Sequence[Selectable], selecting: Sequence[Object]) -> Iterator[str]:
    """A message for each selector that excludes objects which nothing else selects either: `problem; remedy`.

    Args:
        objects: PodMonitors and alert rules.
        selecting: the objects in the cluster of the kinds Prometheus, PrometheusAgent and ThanosRuler.
    """
    for kind, (selector, namespace_selector) in _SELECTORS.items():
        candidates = [item for item in selecting if item.get("kind") in _SELECTED_BY[kind]]
        excluded: dict[str, list[str]] = {}
        for item in objects:
            if item.kind != kind:
                continue
            reasons = [_exclusion(item, candidate, selector, namespace_selector) for candidate in candidates]
            if all(reasons):
                for reason in reasons:
                    excluded.setdefault(reason, []).append(item.namespace)
        for reason, namespaces in excluded.items():
            yield f"the {kind} in {', '.join(namespaces)} is not selected: {reason}"


def _exclusion(item: Selectable, candidate: Object, selector: str, namespace_selector: str) -> str:
    """Why a Prometheus does not select an object, and the remedy; empty if it selects it."""
    spec, metadata = mapping(candidate.get("spec")), mapping(candidate.get("metadata"))
    title = f"{candidate.get('kind')} {metadata.get('namespace')}/{metadata.get('name')}"
    if spec.get(selector) is None:
        return f"{title} has no {selector}, and selects none; set it"
    if missing := _unmatched(mapping(spec.get(selector)), item.labels):
        return f"{selector} of {title} requires the labels {missing}; set prometheus.labels"
    if spec.get(namespace_selector) is None:
        is_selected = metadata.get("namespace") == item.namespace
        return "" if is_selected else f"{title} has no {namespace_selector}, and selects only its own; set it to {{}}"
    if missing := _unmatched(mapping(spec.get(namespace_selector)), item.namespace_labels):
        return f"{namespace_selector} of {title} requires the labels {missing}; label the namespace"
    return ""


def _unmatched(selector: Object, labels_of_object: Labels) -> str:
    """The requirements of a label selector that labels do not meet, as text; empty if they meet all."""
    pairs = {key: str(value) for key, value in mapping(selector.get("matchLabels")).items()}
    failed = [f"{key}: {value}" for key, value in pairs.items() if labels_of_object.get(key) != value]
    for expression in map(mapping, listed(selector.get("matchExpressions"))):
        key, operator = str(expression.get("key")), str(expression.get("operator"))
        values, value = [*map(str, listed(expression.get("values")))], labels_of_object.get(key)
        is_met = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }.get(operator, True)
        if not is_met:
            failed.append(f"{key} {operator} {', '.join(values)}".strip())
    return ", ".join(failed)
