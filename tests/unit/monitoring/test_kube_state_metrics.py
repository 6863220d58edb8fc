"""The configuration of kube-state-metrics for Flink resources.

The program itself is not here: its module is served by no proxy where this is tested. So the values are checked
against the types of its configuration (`customresourcestate`, v2.17) and read by the rules that its documentation
gives for paths, on resources as the operator left them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flink_k8s.monitoring.kube_state_metrics import values

RESOURCES = Path(__file__).parent / "flink_resources.yaml"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Meta(Strict):
    labels_from_path: dict[str, list[str]] = Field(default={}, alias="labelsFromPath")
    path: list[str]


class Gauge(Meta):
    label_from_key: str = Field(default="", alias="labelFromKey")
    value_from: list[str] = Field(default=[], alias="valueFrom")
    nil_is_zero: bool = Field(default=False, alias="nilIsZero")


class Info(Meta):
    label_from_key: str = Field(default="", alias="labelFromKey")


class StateSet(Meta):
    items: list[str] = Field(alias="list")
    label_name: str = Field(alias="labelName")
    value_from: list[str] = Field(default=[], alias="valueFrom")


class Metric(Strict):
    type: Literal["Gauge", "Info", "StateSet"]
    gauge: Gauge | None = None
    info: Info | None = None
    state_set: StateSet | None = Field(default=None, alias="stateSet")

    @model_validator(mode="after")
    def _exactly_its_own(self) -> Metric:
        settings = {"Gauge": self.gauge, "Info": self.info, "StateSet": self.state_set}
        if [kind for kind, setting in settings.items() if setting is not None] != [self.type]:
            raise ValueError(f"type {self.type} wants that part and no other")
        return self


class Labelled(Strict):
    common_labels: dict[str, str] = Field(default={}, alias="commonLabels")
    labels_from_path: dict[str, list[str]] = Field(default={}, alias="labelsFromPath")


class Generator(Labelled):
    name: str = Field(pattern=r"[a-z_]+")
    help: str = Field(min_length=1)
    each: Metric
    error_log_v: int = Field(default=0, alias="errorLogV")


class GroupVersionKind(Strict):
    group: str
    version: str
    kind: str


class Resource(Labelled):
    metric_name_prefix: str | None = Field(default=None, alias="metricNamePrefix")
    group_version_kind: GroupVersionKind = Field(alias="groupVersionKind")
    resource_plural: str = Field(default="", alias="resourcePlural")
    metrics: list[Generator]
    error_log_v: int = Field(default=0, alias="errorLogV")


class Spec(Strict):
    resources: list[Resource]


class Configuration(Strict):
    kind: Literal["CustomResourceStateMetrics"]
    spec: Spec


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return Configuration.model_validate(values()["customResourceState"]["config"])


def at(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def labels(paths: dict[str, list[str]], value: Any) -> dict[str, str]:
    actual = {label: at(value, path) for label, path in paths.items()}
    return {label: str(text) for label, text in actual.items() if text is not None}


def metrics(configuration: Configuration, item: dict[str, Any]) -> set[str]:
    """The metrics of a resource, without zeros of a state set."""
    lines: set[str] = set()
    for resource in configuration.spec.resources:
        if resource.group_version_kind.kind != item["kind"]:
            continue
        for generator in resource.metrics:
            base = {**resource.common_labels, **generator.common_labels}
            base |= labels({**resource.labels_from_path, **generator.labels_from_path}, item)
            for own, number in _values(generator.each, item):
                text = ",".join(f'{name}="{value}"' for name, value in sorted({**base, **own}.items()))
                lines.add(f"{resource.metric_name_prefix}_{generator.name}{{{text}}} {number}")
    return lines


def _values(each: Metric, item: dict[str, Any]) -> list[tuple[dict[str, str], Any]]:
    meta = each.gauge or each.info or each.state_set
    assert meta is not None
    value = at(item, meta.path)
    if value is None:
        return []
    own = labels(meta.labels_from_path, value)
    if each.state_set is not None:
        assert value in each.state_set.items, f"{value} is on no list"
        return [({**own, each.state_set.label_name: value}, 1)]
    return [(own, 1 if each.info is not None else value)]


@pytest.fixture(scope="module")
def lines(configuration: Configuration) -> dict[str, set[str]]:
    content = yaml.safe_load_all(RESOURCES.read_text())
    return {item["metadata"]["name"]: metrics(configuration, item) for item in content}


def test_all_four_kinds_are_configured_with_their_rights(configuration: Configuration):
    kinds = {resource.group_version_kind.kind for resource in configuration.spec.resources}
    assert kinds == {"FlinkDeployment", "FlinkSessionJob", "FlinkBlueGreenDeployment", "FlinkStateSnapshot"}
    (rule,) = values()["rbac"]["extraRules"]
    assert rule["apiGroups"] == ["flink.apache.org"]
    assert set(rule["resources"]) == {f"{kind.lower()}s" for kind in kinds}
    assert set(rule["verbs"]) == {"list", "watch"}


def test_each_resource_is_named_and_no_label_clashes(configuration: Configuration):
    reserved = {"customresource_group", "customresource_version", "customresource_kind"}
    for resource in configuration.spec.resources:
        assert resource.common_labels == {"kind": resource.group_version_kind.kind}
        assert resource.labels_from_path == {"name": ["metadata", "name"], "namespace": ["metadata", "namespace"]}
        names = [generator.name for generator in resource.metrics]
        assert len(set(names)) == len(names)
        for generator in resource.metrics:
            own = set(generator.labels_from_path)
            assert not own & (reserved | {"name", "namespace", "kind"})


def test_kube_state_metrics_needs_no_right_to_read_secrets() -> None:
    """Case charts-13: the chart's ClusterRole contains the resources of the collectors."""
    assert {"secrets", "configmaps"} <= set(values()["collectorsExclude"])
    assert not {"secrets", "configmaps"} & {
        resource for rule in values()["rbac"]["extraRules"] for resource in rule["resources"]
    }


def test_a_running_job(lines: dict[str, set[str]]):
    of = 'kind="FlinkDeployment",name="orders",namespace="team-a"'
    tls = f'keystore="/opt/flink-internal-tls/keystore.p12",{of}'
    assert lines["orders"] == {
        f'flink_resource_lifecycle_state{{{of},state="STABLE"}} 1',
        f'flink_resource_job_state{{{of},state="RUNNING"}} 1',
        f'flink_resource_declared_state{{{of},state="running"}} 1',
        f"flink_resource_internal_tls_info{{{tls}}} 1",
        f"flink_resource_generation{{{of}}} 3",
        f"flink_resource_observed_generation{{{of}}} 2",
        f"flink_resource_last_savepoint_timestamp_milliseconds{{{of}}} 1795399055616",
    }


def test_a_job_with_an_error(lines: dict[str, set[str]]):
    of = 'kind="FlinkSessionJob",name="broken",namespace="team-a"'
    error = 'error="Unable to load the jar"'
    assert f"flink_resource_error_info{{{error},{of}}} 1" in lines["broken"]
    assert f'flink_resource_lifecycle_state{{{of},state="FAILED"}} 1' in lines["broken"]


def test_a_resource_that_the_operator_has_not_seen_is_no_error(lines: dict[str, set[str]]):
    assert lines["new"] == {'flink_resource_generation{kind="FlinkSessionJob",name="new",namespace="team-a"} 1'}


def test_a_snapshot_and_a_blue_green_deployment(lines: dict[str, set[str]]):
    job = 'job="orders",kind="FlinkStateSnapshot",name="before-upgrade",namespace="team-a"'
    assert f'flink_resource_snapshot_state{{{job},state="ABANDONED"}} 1' in lines["before-upgrade"]
    result = f"flink_resource_snapshot_result_timestamp_seconds{{{job}}}"
    assert any(line.startswith(result) for line in lines["before-upgrade"])
    of = 'kind="FlinkBlueGreenDeployment",name="sales",namespace="team-a"'
    assert lines["sales"] == {
        f'flink_resource_blue_green_state{{{of},state="ACTIVE_GREEN"}} 1',
        f'flink_resource_job_state{{{of},state="RUNNING"}} 1',
        f'flink_resource_declared_state{{{of},state="suspended"}} 1',
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda each: each.update(type="Counter"), "type"),
        (lambda each: each["gauge"].update(valeFrom=["x"]), "valeFrom"),
        (lambda each: each["gauge"].pop("path"), "path"),
        (lambda each: each.update(info={"path": ["x"]}), "no other"),
    ],
)
def test_model_rejects_invalid_configuration(change: Any, message: str):
    broken = values()["customResourceState"]["config"]
    change(next(m["each"] for m in broken["spec"]["resources"][0]["metrics"] if m["each"]["type"] == "Gauge"))
    with pytest.raises(ValidationError, match=message):
        Configuration.model_validate(broken)
