"""Jobs of other stacks in a stack's namespaces refuse its destruction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.operations import foreign_jobs
from flink_k8s.operations.stack import Stack
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT


class FakeKubectl:
    """Flink resources by kind."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.objects = items

    def items(self, resource_type: str, *scope: str) -> list[dict[str, Any]]:
        kind = resource_type.partition("s.")[0]
        jobs = [obj for obj in self.objects if obj["kind"].lower() == kind]
        return [obj for obj in jobs if scope in (("-A",), ("-n", obj["metadata"]["namespace"]))]


def item(name: str, kind: str = "FlinkDeployment", **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "flink", **metadata}}


def stack(tmp_path: Path, **config: Any) -> Stack:
    settings = {"context": "c", "jobFolders": [], **config}
    return Stack("platform", tmp_path / "x.yaml", load(ROOT, StackConfig("Pulumi.platform.yaml", settings)))


OWN_OBJECTS = {("namespace", "", "flink"), ("namespace", "", "flink-operator"), ("flinkdeployment", "flink", "mine")}


def test_jobs_that_are_not_in_the_state_are_foreign():
    jobs = foreign_jobs.foreign_jobs(
        FakeKubectl(  # pyright: ignore
            item("mine"),
            item("theirs"),
            item("theirs", "FlinkSessionJob"),
            item("green", ownerReferences=[{"kind": "FlinkBlueGreenDeployment"}]),
            item("going", deletionTimestamp="2026-01-01T00:00:00Z"),
        ),
        ["flink"],
        OWN_OBJECTS,
    )
    assert jobs == ["FlinkDeployment flink/theirs", "FlinkSessionJob flink/theirs"]


def test_destroy_deletes_all_namespaces_and_up_the_undeclared_ones(tmp_path: Path):
    assert foreign_jobs.namespaces_to_delete(stack(tmp_path), OWN_OBJECTS, destroy=True) == ["flink", "flink-operator"]
    assert foreign_jobs.namespaces_to_delete(stack(tmp_path), OWN_OBJECTS, destroy=False) == []
    other = stack(tmp_path, namespaces={"a": {}}, operator={"enabled": False})
    assert foreign_jobs.namespaces_to_delete(other, OWN_OBJECTS, destroy=False) == ["flink", "flink-operator"]
    assert foreign_jobs.namespaces_to_delete(stack(tmp_path), set(), destroy=True) == [], "the state is empty"


def test_an_operation_that_deletes_foreign_jobs_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = FakeKubectl(item("mine"), item("theirs"))
    monkeypatch.setattr(foreign_jobs.Kubectl, "of", lambda _: fake)
    for name, config in {"team-a": "{flink-k8s:platform: platform}", "other": "{}", "broken": "[]"}.items():
        (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config: {config}\n")
    monkeypatch.setattr(foreign_jobs, "ROOT", tmp_path)
    with pytest.raises(CommandError) as raised:
        foreign_jobs.refuse(stack(tmp_path), OWN_OBJECTS, destroy=True)
    message = str(raised.value)
    assert message.startswith("refusing to delete the namespaces or the operator of jobs of other stacks:")
    assert "  FlinkDeployment flink/theirs\n" in message
    assert "mine" not in message
    assert "first destroy the stacks on platform: make destroy STACK=team-a;" in message
    foreign_jobs.refuse(stack(tmp_path), OWN_OBJECTS, destroy=False)
    foreign_jobs.refuse(stack(tmp_path), {*OWN_OBJECTS, ("flinkdeployment", "flink", "theirs")}, destroy=True)


def test_the_operator_of_all_namespaces_stays_while_any_namespace_has_foreign_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = item("theirs")
    elsewhere["metadata"]["namespace"] = "elsewhere"
    monkeypatch.setattr(foreign_jobs.Kubectl, "of", lambda _: FakeKubectl(elsewhere))
    foreign_jobs.refuse(stack(tmp_path), OWN_OBJECTS, destroy=True)
    for_all = stack(tmp_path, operator={"watchAllNamespaces": True})
    with pytest.raises(CommandError, match="FlinkDeployment elsewhere/theirs"):
        foreign_jobs.refuse(for_all, OWN_OBJECTS, destroy=True)
    foreign_jobs.refuse(for_all, OWN_OBJECTS, destroy=False)
    foreign_jobs.refuse(for_all, set(), destroy=True)


def test_in_state_returns_the_keys_of_kubernetes_objects():
    def resource(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"type": f"kubernetes:{kind}", "urn": "u", "inputs": inputs}

    state = {
        "deployment": {
            "resources": [
                resource("core/v1:Namespace", metadata={"name": "flink"}),
                resource("flink.apache.org/v1beta1:FlinkDeployment", metadata={"name": "mine", "namespace": "flink"}),
                resource("helm.sh/v3:Release", name="release", namespace="flink"),
                {"type": "pulumi:pulumi:Stack", "urn": "u"},
            ]
        }
    }
    assert foreign_jobs.in_state(state) == {("namespace", "", "flink"), ("flinkdeployment", "flink", "mine")}
    assert foreign_jobs.in_state({}) == set()
