"""Drift and contexts, without an engine. tests/engine has the rest."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations import context, drift, stack
from flink_k8s.operations.exported_state import export_state
from flink_k8s.support.errors import CommandError

ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "flink", "namespace": "flink", "resourceVersion": "1", "managedFields": [1]},
    "rules": [{"verbs": ["get"]}],
}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))


def test_an_object_that_is_as_declared_has_no_difference() -> None:
    again = copy.deepcopy(ROLE)
    again["metadata"] |= {"resourceVersion": "2", "managedFields": [2], "generation": 3}
    assert list(drift.differences({**ROLE, "status": {"ready": True}}, again)) == []


@pytest.mark.parametrize(
    ("live", "line"),
    [
        ({**ROLE, "rules": [{"verbs": ["get", "list"]}]}, 'rules[0].verbs[1] was added: "list"'),
        ({**ROLE, "rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]}, 'rules[1] was added: {"verbs": ["*"]}'),
        ({**ROLE, "rules": [{"verbs": ["put"]}]}, 'rules[0].verbs[0] is "put"; declared: "get"'),
        ({**ROLE, "rules": []}, 'rules[0] was removed; declared: {"verbs": ["get"]}'),
        (
            {**ROLE, "metadata": {**ROLE["metadata"], "labels": {"a.b/c": "x"}}},
            'metadata.labels was added: {"a.b/c": "x"}',
        ),
    ],
)
def test_each_difference_names_its_place_and_both_values(live: dict[str, Any], line: str) -> None:
    assert list(drift.differences(live, ROLE)) == [line]


def test_declared_objects_exclude_releases_and_pulumis_annotations() -> None:
    metadata = {"name": "a", "annotations": {"pulumi.com/skipAwait": "true"}}
    cipher = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"a2V5"'}
    resources = [
        {"urn": "u::1", "type": "pulumi:providers:kubernetes", "inputs": {"context": "c"}},
        {"urn": "u::2", "type": "kubernetes:helm.sh/v3:Release", "inputs": {"name": "r"}},
        {"urn": "u::3", "type": "kubernetes:core/v1:Secret", "inputs": {"kind": "Secret", "data": {"k": cipher}}},
        {"urn": "u::4", "type": "kubernetes:core/v1:Namespace", "inputs": {"kind": "Namespace", "metadata": metadata}},
        {"urn": "u::5", "type": "kubernetes:core/v1:Pod", "inputs": {"kind": "Pod"}, "delete": True},
    ]
    secret, declared = drift.declared({"deployment": {"resources": resources}})
    assert declared.title == "Namespace a"
    assert declared.manifest == {"kind": "Namespace", "metadata": {"name": "a"}}
    assert not declared.is_secret
    assert secret.is_secret
    assert secret.manifest == {"kind": "Secret", "metadata": {}, "data": {"k": "a2V5"}}
    assert drift.declared({"deployment": {}}) == []


@pytest.mark.parametrize(("name", "is_secret"), [("PASSWORD", False), ("GREETING", True)])
def test_an_object_is_hidden_completely_only_if_its_marked_values_are_not_recognized_as_secrets(
    name: str, is_secret: bool
) -> None:
    """The program marks plaintext secrets of users: they are hidden, and the rest of the job is shown."""
    cipher = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hello"'}
    inputs = {"kind": "FlinkDeployment", "spec": {"env": [{"name": name, "value": cipher}]}}
    state = {"deployment": {"resources": [{"urn": "u::1", "type": "kubernetes:x/v1:Y", "inputs": inputs}]}}
    [declared] = drift.declared(state)
    assert declared.is_secret is is_secret
    assert declared.manifest["spec"] == {"env": [{"name": name, "value": "hello"}]}


def test_values_of_secrets_are_never_shown() -> None:
    live = {"data": {"a": "live-a", "b": "live-b"}}
    settings = {"data": {"a": "wanted-a", "c": "wanted-c"}}
    lines = list(drift.differences(live, settings, hidden=True))
    assert lines == ["data.a was changed", "data.b was added", "data.c was removed"]


def test_engine_changes_name_changed_paths_and_deleted_resources() -> None:
    steps = [
        {"op": "refresh", "urn": "a", "detailedDiff": None},
        {"op": "update", "urn": "b", "detailedDiff": {"values.x": {}, "version": {}}},
        {"op": "delete", "urn": "c"},
        {"op": "update", "urn": "d"},
    ]
    assert drift.engine_changes({"steps": steps}) == {
        "b": ["values.x was changed", "version was changed"],
        "c": ["was deleted"],
        "d": ["was changed"],
    }


def kubeconfig(path: Path, *contexts: str) -> Path:
    path.write_text(json.dumps({"contexts": [{"name": name} for name in contexts]}))
    return path


def test_an_unknown_context_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [kubeconfig(tmp_path / "a", "mine"), kubeconfig(tmp_path / "b", "yours"), tmp_path / "none"]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    with pytest.raises(CommandError, match=r'context: "kind-flink" is not in .*; known contexts: mine, yours'):
        context.check_exists(stack.prepare("dev"))
    kubeconfig(files[1], "kind-flink")
    context.check_exists(stack.prepare("dev"))


def test_a_stack_that_is_in_another_cluster_is_refused(tmp_path: Path) -> None:
    resources = [{"type": "pulumi:providers:kubernetes", "inputs": {"context": "old"}}]
    answer = tmp_path / "pulumi"

    def is_in(resources: list[dict[str, Any]]) -> None:
        answer.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'deployment': {'resources': resources}})}\nEND\n")
        answer.chmod(0o755)
        dev = stack.prepare("dev")
        context.check_unchanged(export_state(answer, dev, dict(os.environ)), dev)

    with pytest.raises(CommandError, match="the stack dev is in the context old, and its file sets kind-flink"):
        is_in(resources)
    is_in([])
    is_in([{"type": "pulumi:providers:kubernetes", "inputs": {"context": "kind-flink"}}])
