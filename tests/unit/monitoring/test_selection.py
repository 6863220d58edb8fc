"""Whether the Prometheus of a cluster selects the platform's PodMonitors and alert rules."""

from __future__ import annotations

from typing import Any

import pytest

from flink_k8s.config.model import StackSettings
from flink_k8s.monitoring.selection import Selectable, monitoring_objects, unselected

ALL: dict[str, Any] = {}


def prometheus(kind: str = "Prometheus", **spec: Any) -> dict[str, Any]:
    """A Prometheus `monitoring/k8s` that selects all objects of all namespaces, with other fields of its spec."""
    fields = ("podMonitorSelector", "podMonitorNamespaceSelector", "ruleSelector", "ruleNamespaceSelector")
    chosen = {key: value for key, value in {**dict.fromkeys(fields, ALL), **spec}.items() if value is not None}
    return {"kind": kind, "metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": chosen}


def objects(labels: dict[str, str] | None = None, **settings: object) -> list[Selectable]:
    """The monitoring objects of a stack with the namespace `flink`."""
    config = {
        "context": "c",
        "certManager": {"enabled": False},
        "prometheus": {"enabled": False, "labels": labels or {}},
        **settings,
    }
    return monitoring_objects(StackSettings.model_validate(config), {"flink": {"team": "a"}, "flink-operator": {}})


def messages(*selecting: dict[str, Any], labels: dict[str, str] | None = None) -> list[str]:
    return [*unselected(objects(labels), selecting)]


def test_objects_of_a_stack() -> None:
    assert [(item.kind, item.namespace) for item in objects()] == [
        ("PodMonitor", "flink-operator"),
        ("PodMonitor", "flink"),
        ("PrometheusRule", "flink-operator"),
    ]
    [*_, last] = objects(prometheus={"enabled": False, "alerts": {"enabled": False}})
    assert last.kind == "PodMonitor"
    assert last.labels["app.kubernetes.io/part-of"] == "flink-k8s"
    assert last.namespace_labels == {"kubernetes.io/metadata.name": "flink", "team": "a"}


def test_a_stack_with_cert_manager_monitors_it() -> None:
    monitors = [item.namespace for item in objects(certManager={"enabled": True}) if item.kind == "PodMonitor"]
    assert monitors == ["flink-operator", "flink", "cert-manager"]


def test_labels_that_a_selector_requires_are_named() -> None:
    release = {"matchLabels": {"release": "monitoring"}}
    assert messages(prometheus(podMonitorSelector=release, ruleSelector=release)) == [
        "the PodMonitor in flink-operator, flink is not selected: podMonitorSelector of Prometheus monitoring/k8s "
        "requires the labels release: monitoring; set prometheus.labels",
        "the PrometheusRule in flink-operator is not selected: ruleSelector of Prometheus monitoring/k8s "
        "requires the labels release: monitoring; set prometheus.labels",
    ]
    assert messages(prometheus(podMonitorSelector=release), labels={"release": "monitoring"}) == []


@pytest.mark.parametrize(
    ("expression", "is_met"),
    [
        ({"key": "release", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "release", "operator": "In", "values": ["b"]}, False),
        ({"key": "release", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "release", "operator": "NotIn", "values": ["b"]}, True),
        ({"key": "other", "operator": "NotIn", "values": ["b"]}, True),
        ({"key": "release", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "release", "operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_of_a_selector(expression: dict[str, Any], is_met: bool) -> None:
    selector = {"matchExpressions": [expression]}
    assert (messages(prometheus(podMonitorSelector=selector), labels={"release": "a"}) == []) is is_met


def test_a_selector_that_is_not_set_selects_nothing() -> None:
    [message] = messages(prometheus(podMonitorSelector=None))
    assert message.endswith("Prometheus monitoring/k8s has no podMonitorSelector, and selects none; set it")


def test_a_namespace_selector_that_is_not_set_selects_the_own_namespace() -> None:
    [message] = messages(prometheus(ruleNamespaceSelector=None))
    assert message.startswith("the PrometheusRule in flink-operator is not selected: Prometheus monitoring/k8s has no ")
    same = {**prometheus(ruleNamespaceSelector=None), "metadata": {"name": "k8s", "namespace": "flink-operator"}}
    assert messages(same) == []


def test_namespaces_are_selected_by_their_labels() -> None:
    [message] = messages(prometheus(podMonitorNamespaceSelector={"matchLabels": {"team": "a"}}))
    assert message.startswith("the PodMonitor in flink-operator is not selected: podMonitorNamespaceSelector of ")
    assert message.endswith("requires the labels team: a; label the namespace")


def test_one_selecting_object_is_enough() -> None:
    other = prometheus(podMonitorSelector={"matchLabels": {"release": "other"}})
    assert messages(other, prometheus()) == []
    assert messages(other, prometheus(kind="PrometheusAgent")) == []


def test_only_prometheus_and_thanos_ruler_select_rules() -> None:
    other = prometheus(ruleSelector={"matchLabels": {"release": "other"}})
    assert messages(other, prometheus(kind="ThanosRuler")) == []
    [message] = messages(other, prometheus(kind="PrometheusAgent"))
    assert "PrometheusRule" in message


def test_without_any_prometheus_nothing_is_reported() -> None:
    assert messages() == []
