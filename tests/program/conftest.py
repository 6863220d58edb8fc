"""Whole-program tests: the project's `__main__.py`, run once for each stack and set of overrides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.config import stack_file
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import run_program

ROOT = Path(__file__).resolve().parents[2]

Record = Callable[..., ResourceGraph]
"""`resource_graph(stack, preview=True, **overrides)`; see the fixture."""


@pytest.fixture(scope="session")
def resource_graph() -> Record:
    """What a stack declares, as `resource_graph("dev", waitForJobs=False)`.

    Keyword arguments replace whole keys of the stack's config; None takes a key out. With `preview=False` the
    program believes that it deploys: ids are known, and it watches its jobs. Each combination runs once a session.
    """
    known: dict[str, ResourceGraph] = {}

    def record(stack: str, *, preview: bool = True, **overrides: object) -> ResourceGraph:
        key = json.dumps([stack, preview, overrides], sort_keys=True, default=str)
        if key not in known:
            config = {**stack_file.read(ROOT, stack), **overrides}
            actual = {name: value for name, value in config.items() if value is not None}
            known[key] = run_program(ROOT, stack, actual, preview=preview)
        return known[key]

    return record
