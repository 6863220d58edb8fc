"""The values of the operator's chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.components.flink_operator import values
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.model import Charts, OperatorSettings
from flink_k8s.facts.mappings import mapping


def chart_values(configuration: dict[str, str], *watched: str, version: str = "1.16.1") -> dict[str, Any]:
    settings = OperatorSettings.model_validate({"version": version, "configuration": configuration})
    return values(settings, watched or ("flink",), Charts())


def sized(jobs: int, **settings: Any) -> tuple[object, object, object]:
    """The requested CPU and memory and the options of Java, with the user's own values."""
    operator = OperatorSettings.model_validate(settings)
    chart = merge_mappings(values(operator, ["flink"], Charts(), jobs), operator.values)
    requests = mapping(mapping(mapping(chart["operatorPod"])["resources"])["requests"])
    return requests["cpu"], requests["memory"], mapping(chart.get("jvmArgs")).get("operator")


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


@pytest.mark.parametrize(
    ("jobs", "size"),
    [
        (0, ("200m", "512Mi", None)),
        (100, ("200m", "512Mi", None)),
        (101, ("500m", "896Mi", "-Xmx512m")),
        (500, ("500m", "896Mi", "-Xmx512m")),
        (501, ("1000m", "1152Mi", "-Xmx768m")),
        (1000, ("1000m", "1152Mi", "-Xmx768m")),
        (1500, ("1500m", "1408Mi", "-Xmx1024m")),
    ],
)
def test_operator_grows_with_its_jobs_in_steps(jobs: int, size: tuple[str, str, str | None]) -> None:
    assert sized(jobs) == size
    assert sized(1, expectedJobs=jobs) == size


def test_expected_jobs_are_a_minimum() -> None:
    assert sized(501, expectedJobs=10) == sized(501)


def test_own_values_override_the_derived_size() -> None:
    assert sized(1000, values={"jvmArgs": {"operator": "-Xmx2g"}}) == ("1000m", "1152Mi", "-Xmx2g")
    own = {"operatorPod": {"resources": {"requests": {"memory": "2Gi"}}}}
    assert sized(1000, values=own) == ("1000m", "2Gi", None)


def test_own_memory_limit_has_no_derived_heap() -> None:
    """The process would exceed the limit with a heap that is derived from the jobs."""
    assert sized(1000, values={"operatorPod": {"resources": {"limits": {"memory": "512Mi"}}}})[2] is None
    assert sized(1000, values={"operatorPod": {"nodeSelector": {"pool": "system"}}})[2] == "-Xmx768m"


def test_added_namespace_restarts_the_operator() -> None:
    """Case charts-01."""
    assert config_hash(chart_values({}, "a", "b")) == config_hash(chart_values({}, "b", "a"))
    assert config_hash(chart_values({}, "a")) != config_hash(chart_values({}, "a", "b"))
    assert config_hash(chart_values({})) != config_hash(chart_values({"some.key": "x"}))
