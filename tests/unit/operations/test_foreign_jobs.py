"""Jobs of others in a stack's namespaces keep it from being destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.operations import foreign_jobs as tenants
from flink_k8s.operations.stack import Stack
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT


class FakeKubectl:
    """Flink resources by kind."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.objects = items

    def items(self, what: str, _flag: str, namespace: str) -> list[dict[str, Any]]:
        kind = what.partition("s.")[0]
        found = [one for one in self.objects if one["kind"].lower() == kind]
        return [one for one in found if one["metadata"]["namespace"] == namespace]


def item(name: str, kind: str = "FlinkDeployment", **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "flink", **metadata}}


def stack(tmp_path: Path, **config: Any) -> Stack:
    given = {"context": "c", "jobFolders": [], **config}
    return Stack("platform", tmp_path / "x.yaml", load(ROOT, StackConfig("Pulumi.platform.yaml", given)))


MINE = {("namespace", "", "flink"), ("namespace", "", "flink-operator"), ("flinkdeployment", "flink", "mine")}


def test_whose_jobs_are_found():
    found = tenants.others(
        FakeKubectl(  # pyright: ignore
            item("mine"),
            item("theirs"),
            item("theirs", "FlinkSessionJob"),
            item("green", ownerReferences=[{"kind": "FlinkBlueGreenDeployment"}]),
            item("going", deletionTimestamp="2026-01-01T00:00:00Z"),
        ),
        ["flink"],
        MINE,
    )
    assert found == ["FlinkDeployment flink/theirs", "FlinkSessionJob flink/theirs"]


def test_which_namespaces_go(tmp_path: Path):
    assert tenants.doomed(stack(tmp_path), MINE, destroy=True) == ["flink", "flink-operator"]
    assert tenants.doomed(stack(tmp_path), MINE, destroy=False) == []
    other = stack(tmp_path, namespaces={"a": {}}, operator={"enabled": False})
    assert tenants.doomed(other, MINE, destroy=False) == ["flink", "flink-operator"]
    assert tenants.doomed(stack(tmp_path), set(), destroy=True) == [], "nothing is its own"


def test_it_is_refused_with_the_way_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeKubectl(item("mine"), item("theirs"))
    monkeypatch.setattr(tenants.Kubectl, "of", lambda _: fake)
    for name, config in {"team-a": "{flink-k8s:platform: platform}", "other": "{}", "broken": "[]"}.items():
        (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config: {config}\n")
    monkeypatch.setattr(tenants, "ROOT", tmp_path)
    with pytest.raises(CommandError) as raised:
        tenants.refuse(stack(tmp_path), MINE, destroy=True)
    said = str(raised.value)
    assert said.startswith("refused, nothing was done")
    assert "  FlinkDeployment flink/theirs\n" in said
    assert "mine" not in said
    assert "the stacks on platform first: make destroy STACK=team-a;" in said
    tenants.refuse(stack(tmp_path), MINE, destroy=False)
    tenants.refuse(stack(tmp_path), {*MINE, ("flinkdeployment", "flink", "theirs")}, destroy=True)


def test_the_objects_of_a_state():
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
    assert tenants.in_state(state) == {("namespace", "", "flink"), ("flinkdeployment", "flink", "mine")}
    assert tenants.in_state({}) == set()
