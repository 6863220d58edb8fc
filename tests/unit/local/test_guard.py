"""The guard: what of a state is protected, what of it would go, and words that say how to go on."""

from __future__ import annotations

from typing import Any

from local.guard import in_state, refusal, undeclared

JOB = "urn:pulumi:prod::flink-k8s::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::flink/orders"
CLAIM = "urn:pulumi:prod::flink-k8s::kubernetes:core/v1:PersistentVolumeClaim::flink/flink-state"


def resource(urn: str, api_version: str, **more: Any) -> dict[str, Any]:
    namespace, _, name = urn.rpartition("::")[2].partition("/")
    metadata = {"name": name, "namespace": namespace}
    inputs = {"apiVersion": api_version, "metadata": metadata}
    return {"urn": urn, "type": urn.split("::")[2], "inputs": inputs, **more}


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


def test_what_is_protected_is_found():
    flink = "flink.apache.org/v1beta1"
    held = state(
        resource(JOB, flink, protect=True),
        resource(CLAIM, "v1", protect=True),
        resource(JOB.replace("orders", "open"), flink),
        resource(JOB.replace("orders", "going"), flink, protect=True, delete=True),
    )
    found = in_state(held)
    assert [(one.title, one.is_job) for one in found] == [
        ("FlinkDeployment flink/orders", True),
        ("PersistentVolumeClaim flink/flink-state", False),
    ]
    assert undeclared(found, {CLAIM}) == found[:1]
    assert undeclared(found, {CLAIM, JOB}) == []


def test_a_stack_that_was_never_up_has_nothing():
    assert in_state({"version": 3, "deployment": {}}) == []
    assert in_state({}) == []


def test_the_refusal_says_what_and_how_to_go_on():
    doomed = in_state(state(resource(JOB, "flink.apache.org/v1beta1", protect=True)))
    gone = refusal(doomed, "prod", destroy=False)
    assert "nothing was done: 1 protected resource would be deleted\n  FlinkDeployment flink/orders\n" in gone
    assert "with jobs.orders.protect: false in Pulumi.prod.yaml, run `make up STACK=prod`" in gone
    assert "restoreFrom" in gone
    everything = refusal(doomed, "prod", destroy=True)
    assert "set protectJobs: false" in everything
    claim = in_state(state(resource(CLAIM, "v1", protect=True)))
    assert "restoreFrom" not in refusal(claim, "prod", destroy=False)
