"""Flink's planner for tests: those that run it are skipped without Java, or if its jars cannot be downloaded."""

from __future__ import annotations

import shutil

import pytest

from flink_k8s.facts.artifacts import MAVEN_CENTRAL
from flink_k8s.operations.planner.jars import planner_jars
from flink_k8s.support.errors import CommandError

FLINK = "2.2"


def require_planner() -> None:
    """Skip the test if this machine cannot run the planner."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed; Flink's planner needs it")
    try:
        planner_jars(FLINK, MAVEN_CENTRAL)
    except CommandError as error:
        pytest.skip(str(error))
