"""Flink's planner for tests: those that run it are skipped without Java, or if its jars cannot be downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

import pytest

from flink_k8s.facts.artifacts import MAVEN_CENTRAL
from flink_k8s.operations.planner.jars import planner_jars
from flink_k8s.operations.planner.run import PlannedScript, planned
from flink_k8s.operations.planner.script import script_of
from flink_k8s.support.errors import CommandError

FLINK = "2.2"


def plan_or_skip(
    texts: Sequence[str], jars: Sequence[str] = (), spec: Mapping[str, object] | None = None
) -> list[PlannedScript]:
    """The results of Flink's planner for scripts, from one process."""
    require_planner()
    return planned([script_of(text, FLINK, tuple(jars), spec or {}) for text in texts], MAVEN_CENTRAL)


def require_planner() -> None:
    """Skip the test if this machine cannot run the planner."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed; Flink's planner needs it")
    try:
        planner_jars(FLINK, MAVEN_CENTRAL)
    except CommandError as error:
        pytest.skip(str(error))
