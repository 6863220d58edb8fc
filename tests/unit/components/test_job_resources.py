"""The deletion and the readiness of jobs by kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flink_k8s.components.job_resources import deletion
from flink_k8s.config.model import Suspension
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.declared_stack import is_awaited


@pytest.mark.parametrize("kind", FlinkKind)
def test_only_a_blue_green_deployment_is_deleted_in_the_foreground(kind: str):
    actual = "foreground" if kind == "FlinkBlueGreenDeployment" else "background"
    assert deletion(kind) == {"pulumi.com/deletionPropagationPolicy": actual}


def test_only_the_run_that_suspends_a_job_waits_for_it():
    def job(name: str, *, suspended: bool) -> Any:
        return SimpleNamespace(key=f"FlinkDeployment/flink/{name}", is_suspended=suspended)

    of_all, of_one = Suspension(), Suspension(about=["FlinkDeployment/flink/a"])
    assert not is_awaited(job("a", suspended=True), of_all)
    assert is_awaited(job("a", suspended=False), of_all)
    assert is_awaited(job("a", suspended=True), of_one)
    assert not is_awaited(job("b", suspended=False), of_one)
