from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from flink_k8s.program.monitor import Effects
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import run_program

PLATFORM = Path(__file__).parent / "programs" / "platform.py"
CONFIG: Mapping[str, object] = {"context": "flink-k8s-sandbox", "jobs": ["word-count"]}

Run = Callable[..., ResourceGraph]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program is the small platform."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PLATFORM, folder / "__main__.py")
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    """`run(text=None, preview=True, effects=None, **config)`: run the small platform, or the text as a program."""

    def do(
        text: str | None = None, *, preview: bool = True, effects: Effects | None = None, **config: object
    ) -> ResourceGraph:
        if text is not None:
            (project / "__main__.py").write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
        merged = {**CONFIG, **config}
        return run_program(project, "dev", merged, preview=preview, effects=effects)

    return do


HEAD = """\
import asyncio
import pulumi
import pulumi_kubernetes as k8s
provider = k8s.Provider("cluster", context="flink-k8s-sandbox")
def config_map(name, *needs, **spec):
    opts = pulumi.ResourceOptions(provider=provider, depends_on=list(needs))
    return k8s.core.v1.ConfigMap(name, metadata={"name": name, "namespace": "default"}, opts=opts, **spec)
"""
