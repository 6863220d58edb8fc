"""Components without a stack file: a test writes a few lines of a program, and gets what they register."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import run_program
from flink_k8s.support.paths import ROOT

Declare = Callable[..., ResourceGraph]

HEAD = """\
import pulumi
import pulumi_kubernetes as kubernetes
on_cluster = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", context="x"))
"""


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """`declare(text, preview=True)`: what a program registers under mocks; `on_cluster` has a provider."""
    (tmp_path / "flink_k8s").symlink_to(ROOT / "flink_k8s")

    def run(text: str, *, preview: bool = True) -> ResourceGraph:
        (tmp_path / "__main__.py").write_text(HEAD + textwrap.dedent(text))
        return run_program(tmp_path, "dev", {}, preview=preview)

    return run
