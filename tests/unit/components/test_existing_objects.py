"""The objects that resources create, and the refusal of those that exist in the cluster."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components import existing_objects
from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.existing_objects import ExistingObjects, declared_key, keys_in_state
from flink_k8s.health.existing_objects import RELEASE_API, Existing, ObjectKey

TEAM = ObjectKey("v1", "Namespace", "", "team-a")
OWN = ObjectKey("apps/v1", "Deployment", "team-a", "own")


@pytest.mark.parametrize(
    ("type_", "inputs", "key"),
    [
        ("kubernetes:core/v1:Namespace", {"metadata": ObjectMetaArgs(name="team-a")}, TEAM),
        ("kubernetes:apps/v1:Deployment", {"metadata": {"name": "own", "namespace": "team-a"}}, OWN),
        (
            f"kubernetes:{RELEASE_API}:Release",
            {"name": "operator", "namespace": "flink-operator"},
            ObjectKey(RELEASE_API, "Release", "flink-operator", "operator"),
        ),
        ("pulumi:providers:kubernetes", {"metadata": {"name": "cluster"}}, None),
        ("flink-k8s:index:FlinkJob", {"name": "orders"}, None),
        ("kubernetes:core/v1:Namespace", {"metadata": {}}, None),
        ("kubernetes:core/v1:Namespace", None, None),
    ],
)
def test_key_of_a_declared_object(type_: str, inputs: Mapping[str, object] | None, key: ObjectKey | None) -> None:
    assert declared_key(type_, inputs) == key


def test_keys_of_the_engines_state() -> None:
    outputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "uid": "1"}}
    resources = {
        "urn:a": {"type": "kubernetes:core/v1:Namespace", "outputs": outputs},
        "urn:b": {"type": "pulumi:pulumi:Stack", "outputs": {}},
    }
    assert keys_in_state(resources) == {TEAM}


def transformed(key: ObjectKey, **options: Any) -> pulumi.ResourceTransformationArgs:
    """The arguments of a transformation for an object with resource options."""
    api = key.api_version if "/" in key.api_version else f"core/{key.api_version}"
    return pulumi.ResourceTransformationArgs(
        resource=SimpleNamespace(),  # pyright: ignore
        type_=f"kubernetes:{api}:{key.kind}",
        name=key.name,
        props={"metadata": {"name": key.name, "namespace": key.namespace or None}},
        opts=pulumi.ResourceOptions(**options),
    )


class Check:
    """The hook of a stack with the objects TEAM and OWN, in a cluster with `existing` ones."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        existing: dict[ObjectKey, Existing],
        unread: list[str] | None = None,
        state: Mapping[str, object] | None = None,
    ) -> None:
        self.requested: list[set[ObjectKey]] = []
        self.warnings: list[str] = []
        self.hooks: list[Any] = []

        async def listed(_: object, keys: set[ObjectKey]) -> tuple[dict[ObjectKey, Existing], list[str]]:
            self.requested.append(set(keys))
            return {key: item for key, item in existing.items() if key in keys}, unread or []

        def hook(_name: str, callback: object, _options: object) -> object:
            self.hooks.append(callback)
            return callback

        monkeypatch.setattr(existing_objects, "existing_objects", listed)
        monkeypatch.setattr(existing_objects, "resources_in_state", lambda: state or {})
        monkeypatch.setattr(pulumi, "ResourceHook", hook)
        monkeypatch.setattr(pulumi, "log", SimpleNamespace(warn=self.warnings.append))
        declared = ExistingObjects(ClusterAccess("none"))
        for key in (TEAM, OWN):
            declared.bind(transformed(key))

    def errors(self, creates: int = 1) -> list[str]:
        """The errors of a run that creates a number of objects."""

        async def run() -> list[object]:
            return await asyncio.gather(*(self.hooks[0](None) for _ in range(creates)), return_exceptions=True)

        return [str(error) for error in asyncio.run(run()) if error is not None]


def test_existing_objects_are_refused_with_manager_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = Existing("kubectl-create", is_of_pulumi=False)
    errors = Check(monkeypatch, {TEAM: kubectl, OWN: Existing("", is_of_pulumi=False)}).errors()
    assert errors == [
        "2 objects exist in the cluster and not in the state of this stack; nothing was created:\n"
        "  Deployment team-a/own\n"
        "  Namespace team-a (applied by kubectl-create)\n"
        "- use a namespace, or the account flink, that exists: namespaces.<name>.create: false, createAccount: false\n"
        "- use an installed component: enabled: false of certManager, prometheus or operator\n"
        "- otherwise take over the object (adopt: docs/adopt.md), rename it in the stack, or delete it"
    ]


def test_one_request_serves_all_creations_and_the_list_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(monkeypatch, {TEAM: Existing("helm", is_of_pulumi=False)})
    first, *others = check.errors(creates=3)
    assert "Namespace team-a" in first
    assert others == ["not created, because of other objects that exist"] * 2
    assert check.requested == [{TEAM, OWN}]


def test_the_check_needs_no_thread_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrations that wait for the hook block all threads of the SDK's executor."""
    check = Check(monkeypatch, {TEAM: Existing("helm", is_of_pulumi=False)})

    async def resolved(_: object, keys: set[ObjectKey]) -> tuple[dict[ObjectKey, Existing], list[str]]:
        await asyncio.get_running_loop().getaddrinfo("localhost", 443)
        return {TEAM: Existing("helm", is_of_pulumi=False)}, []

    monkeypatch.setattr(existing_objects, "existing_objects", resolved)
    answered = threading.Event()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        registration = loop.run_in_executor(None, answered.wait)
        try:
            with pytest.raises(pulumi.RunError, match="Namespace team-a"):
                await asyncio.wait_for(check.hooks[0](None), timeout=10)
        finally:
            answered.set()
            await registration

    asyncio.run(run())


def test_objects_in_the_state_are_the_stacks_own(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"urn:a": {"type": "kubernetes:core/v1:Namespace", "outputs": {"metadata": {"name": "team-a"}}}}
    check = Check(monkeypatch, {TEAM: Existing("helm", is_of_pulumi=False)}, state=state)
    assert check.errors() == []
    assert check.requested == [{OWN}]


def test_objects_of_pulumi_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(monkeypatch, {TEAM: Existing("pulumi-kubernetes-1a2b", is_of_pulumi=True)})
    assert check.errors() == []
    assert len(check.warnings) == 1
    assert "Namespace team-a (applied by pulumi-kubernetes-1a2b)" in check.warnings[0]


def test_a_kind_that_cannot_be_listed_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(monkeypatch, {}, unread=["Role in team-a: roles is forbidden"])
    assert check.errors() == []
    assert check.warnings == [
        "could not check whether these objects exist in the cluster already:\n  Role in team-a: roles is forbidden"
    ]


def test_without_a_cluster_nothing_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "ResourceHook", lambda *_: None)
    monkeypatch.setenv("FLINK_K8S_WITHOUT_CLUSTER", "1")
    assert ExistingObjects(ClusterAccess("none")).bind(transformed(TEAM)) is None


def test_the_hook_is_bound_before_the_hooks_of_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "ResourceHook", lambda name, *_: name)
    crds = pulumi.ResourceHookBinding(before_create=["crds"])  # pyright: ignore
    result = ExistingObjects(ClusterAccess("none")).bind(transformed(TEAM, hooks=crds))
    assert result is not None
    assert result.opts.hooks is not None
    assert result.opts.hooks.before_create == ["existing-objects", "crds"]


def test_an_imported_object_may_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "ResourceHook", lambda *_: None)
    assert ExistingObjects(ClusterAccess("none")).bind(transformed(TEAM, import_="team-a")) is None


def test_objects_that_are_declared_later_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A component provider constructs components one by one."""
    check = Check(monkeypatch, {TEAM: Existing("helm", is_of_pulumi=False)})
    declared = ExistingObjects(ClusterAccess("none"))
    declared.bind(transformed(OWN))
    hook = check.hooks[-1]

    async def run() -> list[str]:
        await hook(None)
        declared.bind(transformed(TEAM))
        errors = await asyncio.gather(hook(None), hook(None), return_exceptions=True)
        return [str(error) for error in errors]

    first, second = asyncio.run(run())
    assert "Namespace team-a (applied by helm)" in first
    assert second == "not created, because of other objects that exist"
    assert check.requested == [{OWN}, {TEAM}]
