"""Order in a graph: layers, circles, and the fewest edges that say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.program.dependencies import CycleError, depths_of, reachable, reduced, topological

CHAIN = {"c": frozenset({"a", "b"}), "b": frozenset({"a"}), "a": frozenset[str](), "x": frozenset[str]()}

# A node depends only on nodes with smaller numbers, so the graph has no cycle.
ACYCLIC = st.integers(0, 12).flatmap(
    lambda size: st.fixed_dictionaries(
        {str(node): st.frozensets(st.sampled_from([str(other) for other in range(node)])) for node in range(1, size)}
        | {"0": st.just(frozenset[str]())}
    )
)


def test_depth_is_the_longest_chain() -> None:
    assert depths_of(CHAIN) == {"a": 0, "x": 0, "b": 1, "c": 2}


def test_new_node_does_not_change_other_depths() -> None:
    more = {**CHAIN, "job": frozenset({"c"}), "other": frozenset({"x"})}
    assert {node: depth for node, depth in depths_of(more).items() if node in CHAIN} == depths_of(CHAIN)


def test_reduction_drops_implied_edges() -> None:
    assert reduced(CHAIN)["c"] == {"b"}


def test_circles_are_named() -> None:
    circle = {"a": frozenset({"b"}), "b": frozenset({"a"}), "c": frozenset({"b"}), "d": frozenset[str]()}
    with pytest.raises(CycleError) as caught:
        depths_of(circle)
    assert caught.value.nodes == {"a", "b"}


@given(ACYCLIC)
def test_topological_order_follows_dependencies(edges: dict[str, frozenset[str]]) -> None:
    order = topological(edges)
    assert sorted(order) == sorted(edges)
    assert all(order.index(need) < order.index(node) for node in edges for need in edges[node])


@given(ACYCLIC)
def test_reduction_keeps_all_transitive_dependencies(edges: dict[str, frozenset[str]]) -> None:
    fewer = reduced(edges)
    assert all(fewer[node] <= edges[node] for node in edges)
    assert reachable(fewer) == reachable(edges)
