"""The values of the operator's chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.components.flink_operator import values
from flink_k8s.config.model import Charts, OperatorSettings


def chart_values(configuration: dict[str, str], *watched: str, version: str = "1.16.1") -> dict[str, Any]:
    settings = OperatorSettings.model_validate({"version": version, "configuration": configuration})
    return values(settings, watched or ("flink",), Charts())


def config_hash(chart: dict[str, Any]) -> str:
    return chart["operatorPod"]["annotations"]["flink-k8s/config-hash"]


@pytest.mark.parametrize("text", ["X-Team: data", "*", "{a}", "-Dmark=a #b", "true", "15 s", "a'b\"c", ""])
def test_configuration_is_valid_yaml(text: str) -> None:
    """Case charts-02."""
    configuration = chart_values({"some.key": text})["defaultConfiguration"]["config.yaml"]
    assert yaml.safe_load(configuration)["some.key"] == text


def test_flat_configuration_of_older_operators_is_not_quoted() -> None:
    chart = chart_values({"some.key": "-Dmark=a #b"}, version="1.7.0")
    assert "some.key: -Dmark=a #b\n" in chart["defaultConfiguration"]["flink-conf.yaml"]


def test_operator_and_webhook_have_requests() -> None:
    """Case bugs-20."""
    pod = chart_values({})["operatorPod"]
    for resources in (pod["resources"], pod["webhook"]["resources"]):
        assert resources["requests"].keys() == {"cpu", "memory"}


def test_added_namespace_restarts_the_operator() -> None:
    """Case charts-01."""
    assert config_hash(chart_values({}, "a", "b")) == config_hash(chart_values({}, "b", "a"))
    assert config_hash(chart_values({}, "a")) != config_hash(chart_values({}, "a", "b"))
    assert config_hash(chart_values({})) != config_hash(chart_values({"some.key": "x"}))
