"""Order in a graph of dependencies: what comes first, what may go side by side, which edges say nothing new."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.support.errors import CommandError

Edges = Mapping[str, frozenset[str]]
"""A node to the nodes that it depends on directly. Every node is a key."""


class CycleError(CommandError):
    """The graph goes in a circle. `nodes` are all that lie on one, or between two."""

    def __init__(self, nodes: frozenset[str]) -> None:
        super().__init__(f"the dependencies go in a circle: {', '.join(sorted(nodes))}")
        self.nodes = nodes


def layers(edges: Edges) -> dict[str, int]:
    """The length of the longest chain of dependencies below each node: 0 for a node that depends on nothing.

    It depends on a node's own chain alone, so a new node elsewhere moves no other.

    Raises:
        CycleError: when the dependencies go in a circle.
    """
    result: dict[str, int] = {}
    pending = dict(edges)
    while pending:
        ready = [node for node, needs in pending.items() if needs <= result.keys()]
        if not ready:
            raise CycleError(_on_circles(pending))
        for node in ready:
            result[node] = max((result[need] + 1 for need in pending.pop(node)), default=0)
    return result


def topological(edges: Edges) -> list[str]:
    """The nodes by layer, and by name within a layer: each after all that it depends on.

    Raises:
        CycleError: when the dependencies go in a circle.
    """
    at = layers(edges)
    return sorted(edges, key=lambda node: (at[node], node))


def reachable(edges: Edges) -> dict[str, frozenset[str]]:
    """A node to all that it depends on, directly or through others.

    Raises:
        CycleError: when the dependencies go in a circle.
    """
    result: dict[str, frozenset[str]] = {}
    for node in topological(edges):
        result[node] = edges[node].union(*(result[need] for need in edges[node]))
    return result


def reduced(edges: Edges) -> dict[str, frozenset[str]]:
    """The fewest edges that say the same: without those that other edges imply.

    Raises:
        CycleError: when the dependencies go in a circle.
    """
    below = reachable(edges)
    return {
        node: frozenset(need for need in needs if not any(need in below[other] for other in needs))
        for node, needs in edges.items()
    }


def _on_circles(edges: Edges) -> frozenset[str]:
    """The nodes without those that nothing left depends on, until none of these is left."""
    left = set(edges)
    while free := left - {need for node in left for need in edges[node]}:
        left -= free
    return frozenset(left)
