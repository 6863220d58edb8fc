"""Each shipped stack renders to what is kept of it: a change of clusters is a change of files that a reviewer sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.golden import FOLDER, golden, main
from flink_k8s.config.stack_file import stacks
from tests.program.conftest import ROOT


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_rendered_stack_equals_its_golden_file(resource_graph, stack):
    content = (FOLDER / f"{stack}.yaml").read_text(encoding="utf-8")
    assert golden(resource_graph(stack)) == content, f"{stack} renders otherwise; look at it, then run `make golden`"
    assert content.count("\n---\n") >= 7


def test_each_golden_file_has_a_stack():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(stacks(ROOT))


def test_make_golden_writes_all_files_and_deletes_stale_ones(tmp_path: Path):
    (tmp_path / "gone.yaml").touch()
    assert main(["--folder", str(tmp_path)]) == 0
    content = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert content == {path.name: path.read_text() for path in FOLDER.iterdir()}
