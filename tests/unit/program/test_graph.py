"""The picture of a stack, and the README's copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.program import graph, preview
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.support.errors import CommandError

Run = Callable[..., ResourceGraph]

TANGLED = """
class Pair(pulumi.ComponentResource):
    def __init__(self, name, first_needs=(), second_needs=()):
        super().__init__("flink-k8s:index:Pair", name)
        def inside(part, needs):
            opts = pulumi.ResourceOptions(provider=provider, parent=self, depends_on=list(needs))
            return k8s.core.v1.ConfigMap(f"{name}-{part}", metadata={"name": f"{name}-{part}"}, opts=opts)
        self.first = inside("first", first_needs)
        if second_needs is not None:
            self.second = inside("second", second_needs)
a = Pair("a", second_needs=None)
b = Pair("b", [a.first])
a.second = k8s.core.v1.ConfigMap("a-second", metadata={"name": "a-second"},
    opts=pulumi.ResourceOptions(provider=provider, parent=a, depends_on=[b.second]))
"""


def test_components_are_single_nodes_with_their_kinds(run: Run) -> None:
    assert (
        graph.mermaid(run())
        == """\
flowchart LR
    Team_flink["<b>Team flink</b><br/>Namespace, ServiceAccount"]
    Secret_password["Secret flink/password"]
    Release_operator["Release flink/operator"]
    FlinkDeployment_word_count["FlinkDeployment flink/word-count"]
    Team_flink --> Secret_password
    Team_flink --> Release_operator
    Release_operator --> FlinkDeployment_word_count
"""
    )


def test_diagram_does_not_depend_on_the_order_of_registration(run: Run) -> None:
    assert graph.mermaid(run(jobs=["a", "b"])) == graph.mermaid(run(jobs=["b", "a"]))


def test_components_that_need_parts_of_each_other_are_drawn_apart(run: Run) -> None:
    picture = graph.mermaid(run(TANGLED))
    assert picture.splitlines() == [
        "flowchart LR",
        '    subgraph Pair_a["Pair a"]',
        '        ConfigMap_a_first["ConfigMap a-first"]',
        '        ConfigMap_a_second["ConfigMap a-second"]',
        "    end",
        '    subgraph Pair_b["Pair b"]',
        '        ConfigMap_b_second["ConfigMap b-second"]',
        '        ConfigMap_b_first["ConfigMap b-first"]',
        "    end",
        "    ConfigMap_a_first --> ConfigMap_b_first",
        "    ConfigMap_b_second --> ConfigMap_a_second",
    ]


def test_the_copy_in_a_text_is_replaced() -> None:
    text = "# Title\n<!-- graph of dev: written by make graph -->\nold\n<!-- end of graph -->\nmore\n"
    once = graph.in_text(text, "dev", "flowchart LR\n")
    assert "```mermaid\nflowchart LR\n```\n<!-- end of graph -->\nmore\n" in once
    assert "old" not in once
    assert graph.in_text(once, "dev", "flowchart LR\n") == once


def test_a_text_without_the_marks_is_refused() -> None:
    with pytest.raises(CommandError, match="<!-- graph of dev: written by make graph -->"):
        graph.in_text("# Title\n", "dev", "")


def test_a_copy_in_a_file_is_verified_and_updated(run: Run, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- graph of dev: written by make graph -->\n<!-- end of graph -->\n", encoding="utf-8")
    resource_graph = run()
    with pytest.raises(CommandError, match=f"run: python -m flink_k8s graph dev --write {readme}"):
        graph.verify(resource_graph, "dev", readme)
    graph.update(resource_graph, "dev", readme)
    graph.verify(resource_graph, "dev", readme)
    assert "FlinkDeployment_word_count" in readme.read_text(encoding="utf-8")


def test_a_preview_without_an_engine_is_the_tree_and_is_not_a_diff(run: Run) -> None:
    out = "\n".join(preview.report(run(), "dev")) + "\n"
    assert "This is not a diff" in out
    assert "PulumiCommand.install()" in out
    assert (
        out.split("\n\n", 1)[1]
        == """\
flink-k8s-dev
├─ Team flink
│  ├─ Namespace flink
│  └─ ServiceAccount flink/flink
├─ FlinkDeployment flink/word-count
├─ Release flink/operator  (chart operator 1.0.0; before_update: crds)
└─ Secret flink/password

5 in all: 1 FlinkDeployment, 1 Namespace, 1 Release, 1 Secret, 1 ServiceAccount
"""
    )
