"""The suspended jobs in the resources that the engine reads from its state."""

from __future__ import annotations

from typing import Any

from flink_k8s.checks.deployed_suspension import suspended_in

SINCE = "2026-11-29 14:00 UTC, ada on laptop"


def resource(kind: str, name: str, **annotations: str) -> dict[str, Any]:
    metadata = {"namespace": "flink", "name": name, "annotations": annotations}
    return {"type": f"kubernetes:flink.apache.org/v1beta1:{kind}", "outputs": {"kind": kind, "metadata": metadata}}


def test_annotated_flink_resources_are_suspended():
    resources = {
        "urn:a": resource("FlinkDeployment", "orders", **{"flink-k8s/suspended": SINCE}),
        "urn:b": resource("FlinkDeployment", "visits"),
        "urn:c": {"type": "pulumi:pulumi:Stack", "outputs": {"jobs": {}}},
        "urn:d": {"type": "kubernetes:core/v1:ConfigMap", "outputs": None},
    }
    assert suspended_in(resources) == {"FlinkDeployment/flink/orders": SINCE}


def test_the_annotation_of_another_resource_suspends_nothing():
    config_map = resource("ConfigMap", "orders", **{"flink-k8s/suspended": SINCE})
    assert suspended_in({"urn:a": {**config_map, "type": "kubernetes:core/v1:ConfigMap"}}) == {}
