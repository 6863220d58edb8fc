"""The fields that kube-state-metrics reads exist in the CRDs of the operator's jar."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.monitoring.kube_state_metrics import values

RESOURCES = values()["customResourceState"]["config"]["spec"]["resources"]


@pytest.fixture(scope="module")
def statuses(sandbox: Path) -> dict[str, Any]:
    """The CRDs' schemas by kind."""
    (chart,) = (sandbox.parent / "charts").glob("flink-kubernetes-operator-1.16.1.tgz")
    settings: dict[str, Any] = {}
    with tarfile.open(chart) as packed:
        for member in packed.getmembers():
            file = packed.extractfile(member) if "/crds/" in member.name else None
            if file is not None:
                crd = yaml.safe_load(file.read())
                settings[crd["spec"]["names"]["kind"]] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return settings


def field(schema: Any, path: list[str]) -> Any:
    for part in path:
        # Of a free map the API server keeps any key: Flink's own options, as text.
        is_free = schema.get("x-kubernetes-preserve-unknown-fields") and "properties" not in schema
        schema = {"type": "string"} if is_free else schema["properties"][part]
    return schema


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource["groupVersionKind"]["kind"])
def test_fields_and_states_are_those_of_the_crds(statuses: dict[str, Any], resource: dict[str, Any]):
    schema = statuses[resource["groupVersionKind"]["kind"]]
    checked = 0
    for metric in resource["metrics"]:
        each = metric["each"]
        values = each[{"Gauge": "gauge", "Info": "info", "StateSet": "stateSet"}[each["type"]]]
        if values["path"][0] != "metadata":
            actual = field(schema, values["path"])
            if each["type"] == "StateSet":
                assert set(values["list"]) == set(actual["enum"])
            else:
                assert actual["type"] == (
                    "string" if each["type"] == "Info" or "timestamp_s" in metric["name"] else "integer"
                )
            checked += 1
        for path in metric.get("labelsFromPath", {}).values():
            assert field(schema, path)["type"] == "string"
    assert checked >= 3
