"""The hooks that all guards of a run share."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from flink_k8s.components.state_guard import StateGuard
from flink_k8s.config.model import OperatorSettings

Manifest = dict[str, Any]
Hooks = dict[str, Callable[[pulumi.ResourceHookArgs], Any]]

STORAGE = {"high-availability.type": "kubernetes", "execution.checkpointing.savepoint-dir": "s3://a"}


def job(name: str) -> Manifest:
    """A job that keeps its state until it is deleted."""
    spec = {"flinkConfiguration": STORAGE, "flinkVersion": "v2_2", "job": {"upgradeMode": "savepoint"}}
    api = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"}
    return {**api, "metadata": {"name": name, "namespace": "flink"}, "spec": spec}


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    """The registered hooks by name, in a run without an engine."""
    registered: Hooks = {}

    def register(name: str, callback: Callable[[pulumi.ResourceHookArgs], Any], _: object) -> object:
        assert name not in registered, "the engine refuses a second hook of the same name"
        registered[name] = callback
        return callback

    monkeypatch.setattr(pulumi, "ResourceHook", register)
    monkeypatch.setattr(pulumi.log, "info", lambda *_, **__: None)
    return registered


def guard(prefix: str, *names: str) -> StateGuard:
    return StateGuard([job(name) for name in names], OperatorSettings(), prefix=prefix)


def delete(hooks: Hooks, name: str, manifest: Manifest) -> None:
    """Run the hook as the engine does before it deletes a resource."""
    urn = f"urn:pulumi:dev::project::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::{name}"
    args = pulumi.ResourceHookArgs(urn, "", name, "", old_inputs=manifest)
    asyncio.run(hooks["state-guard-delete"](args))


def in_run(test: Callable[[], None]) -> None:
    """Call the function in a run of its own."""
    contextvars.copy_context().run(test)


def test_guards_of_one_run_register_two_hooks(hooks: Hooks) -> None:
    in_run(lambda: [guard(prefix, "orders") for prefix in ("west-", "east-")])  # pyright: ignore
    assert hooks.keys() == {"state-guard-update", "state-guard-delete"}


@pytest.mark.parametrize("prefix", ["west-", "gone-"])
def test_deleted_job_is_refused_after_its_component_has_left_the_program(hooks: Hooks, prefix: str) -> None:
    in_run(lambda: [guard("west-", "visits"), guard("east-", "visits")])  # pyright: ignore
    with pytest.raises(pulumi.RunError, match="flink/orders"):
        delete(hooks, f"{prefix}flink/orders", job("orders"))


def test_job_of_another_platform_does_not_replace_a_deleted_job(hooks: Hooks) -> None:
    """The platform `a-b` has left the program; `a` declares a job of the same name on its own cluster."""
    in_run(lambda: guard("a-", "orders"))  # pyright: ignore
    with pytest.raises(pulumi.RunError, match="flink/orders: STATE LOSS: replace"):
        delete(hooks, "a-flink/orders", job("orders"))
    with pytest.raises(pulumi.RunError, match="flink/orders: STATE LOSS: delete"):
        delete(hooks, "a-b-flink/orders", job("orders"))
