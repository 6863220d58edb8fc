"""Without a terminal an operation prints one line for each resource and state, and all warnings and errors."""

from __future__ import annotations

from typing import Any

from flink_k8s.operations.display import Lines
from flink_k8s.operations.engine_events import Phase

PREFIX = "urn:pulumi:dev::flink-k8s::"
JOB = f"{PREFIX}kubernetes:flink.apache.org/v1beta1:FlinkDeployment::flink/orders"
RELEASE = f"{PREFIX}kubernetes:helm.sh/v3:Release::operator"
NAMESPACE = f"{PREFIX}kubernetes:core/v1:Namespace::flink"
STACK = f"{PREFIX}pulumi:pulumi:Stack::flink-k8s-dev"


def step(kind: str, op: str, urn: str = JOB, **described: Any) -> dict[str, Any]:
    inputs = {"metadata": {"name": "orders", "namespace": "flink"}}
    if urn == RELEASE:
        inputs = {"name": "operator", "namespace": "flink-operator"}
    if urn == NAMESPACE:
        inputs = {"metadata": {"name": "flink"}}
    side = "old" if op == "delete" else "new"
    types = urn.split("::")[2]
    metadata = {"op": op, "urn": urn, "type": types, side: {"custom": True, "inputs": inputs, **described}}
    return {kind: {"metadata": metadata}}


def message(text: str, severity: str = "info", urn: str = JOB, **more: Any) -> dict[str, Any]:
    return {"diagnosticEvent": {"urn": urn, "message": text, "severity": severity, **more}}


def lines(*events: dict[str, Any], preview: tuple[dict[str, Any], ...] = (), planned: bool = False) -> list[str]:
    """The printed lines without the times."""
    printed: list[str] = []
    phase = Phase(has_preview=bool(preview))
    display = Lines(printed.append, phase, clock=lambda: 0.0, planned=planned)
    for part in (preview, events):
        for sequence, event in enumerate(part):
            numbered = {"sequence": sequence, **event}
            phase.take(numbered)
            display.take(numbered)
    return [line.removeprefix("   0.0 s  ") for line in printed]


def test_a_resource_has_one_line_after_its_operation():
    assert lines(
        step("resourcePreEvent", "create"),
        step("resOutputsEvent", "create"),
        step("resOutputsEvent", "update"),
        step("resOutputsEvent", "delete"),
    ) == [
        "created FlinkDeployment flink/orders",
        "updated FlinkDeployment flink/orders",
        "deleted FlinkDeployment flink/orders",
    ]


def test_a_preview_prints_each_planned_change_once():
    assert lines(
        step("resourcePreEvent", "create", RELEASE),
        step("resOutputsEvent", "create", RELEASE),
        step("resOutputsEvent", "delete"),
        {"summaryEvent": {"resourceChanges": {"create": 1, "delete": 1, "same": 2}}},
        planned=True,
    ) == [
        "to create Release flink-operator/operator",
        "to delete FlinkDeployment flink/orders",
        "resources: 1 to create, 1 to delete, 2 unchanged",
    ]


def test_a_release_also_has_a_line_at_its_start():
    assert lines(step("resourcePreEvent", "create", RELEASE), step("resOutputsEvent", "create", RELEASE)) == [
        "creating Release flink-operator/operator",
        "created Release flink-operator/operator",
    ]


def test_the_deletion_of_a_namespace_also_has_a_line_at_its_start():
    assert lines(
        step("resourcePreEvent", "create", NAMESPACE),
        step("resOutputsEvent", "create", NAMESPACE),
        step("resourcePreEvent", "delete", NAMESPACE),
        step("resOutputsEvent", "delete", NAMESPACE),
    ) == ["created Namespace flink", "deleting Namespace flink", "deleted Namespace flink"]


def test_resources_outside_of_the_cluster_have_no_line():
    assert (
        lines(
            step("resOutputsEvent", "same"),
            step("resOutputsEvent", "refresh"),
            step("resOutputsEvent", "create", custom=False),
            step("resOutputsEvent", "create", f"{PREFIX}pulumi:providers:kubernetes::cluster"),
            step("resOutputsEvent", "create", STACK, outputs={}),
            step("resOutputsEvent", "replace"),
        )
        == []
    )


def test_the_status_of_a_job_is_printed_once():
    assert lines(
        step("resourcePreEvent", "create"),
        message("RECONCILING, no job yet"),
        message("RECONCILING, no job yet"),
        message("waiting for pods", ephemeral=True),
        message("grpc", "debug"),
        message("STABLE, RUNNING"),
    ) == ["FlinkDeployment flink/orders: RECONCILING, no job yet", "FlinkDeployment flink/orders: STABLE, RUNNING"]


def test_warnings_and_errors_are_shown():
    assert lines(
        step("resourcePreEvent", "create"),
        message("tag is mutable", "warning", urn="", prefix="warning: "),
        message("job flink/orders FAILED\n", "error", prefix="error: "),
        step("resOpFailedEvent", "create"),
        {"errorEvent": {"error": "the engine broke"}},
        {"stdoutEvent": {"message": "warning: an old plugin\n"}},
        {
            "policyEvent": {
                "resourceUrn": JOB,
                "policyName": "limits",
                "enforcementLevel": "mandatory",
                "message": "no limit",
            }
        },
    ) == [
        "warning: tag is mutable",
        "FlinkDeployment flink/orders: error: job flink/orders FAILED",
        "failed: create FlinkDeployment flink/orders",
        "error: the engine broke",
        "warning: an old plugin",
        "FlinkDeployment flink/orders: policy limits (mandatory): no limit",
    ]


def test_a_policy_violation_before_the_step_names_the_resource():
    violation = {
        "policyName": "limits",
        "enforcementLevel": "advisory",
        "message": "pods without limits\nspec: no limit",
    }
    assert lines({"policyEvent": {"resourceUrn": JOB, **violation}}) == [
        "FlinkDeployment flink/orders: policy limits (advisory): spec: no limit (pods without limits)"
    ]


def test_the_summary_has_counts_and_no_exports():
    assert lines(
        step("resOutputsEvent", "create", STACK, outputs={"platform": {"operator": "1.16.1"}}),
        {"summaryEvent": {"resourceChanges": {"create": 3, "same": 2, "read": 1}}},
    ) == ["resources: 3 created, 2 unchanged"]


def test_a_preview_before_an_operation_prints_only_warnings_and_errors():
    preview = (
        step("resourcePreEvent", "create", RELEASE),
        step("resOutputsEvent", "create", RELEASE),
        message("RECONCILING", urn=RELEASE),
        message("tag is mutable", "warning", urn=""),
        {"summaryEvent": {"isPreview": True, "resourceChanges": {"create": 1}}},
    )
    operation = (message("tag is mutable", "warning", urn=""), step("resOutputsEvent", "create", RELEASE))
    assert lines(*operation, preview=preview) == ["tag is mutable", "created Release flink-operator/operator"]
