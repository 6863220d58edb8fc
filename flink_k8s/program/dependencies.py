"""Order in a dependency graph: depth, topological order, transitive closure and reduction."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.support.errors import CommandError

Edges = Mapping[str, frozenset[str]]
"""A node to its direct dependencies. Every node is a key."""


class CycleError(CommandError):
    """The graph has a cycle. `nodes` are the nodes on cycles, and between cycles."""

    def __init__(self, nodes: frozenset[str]) -> None:
        super().__init__(f"the dependencies contain a cycle: {', '.join(sorted(nodes))}")
        self.nodes = nodes


def depths_of(edges: Edges) -> dict[str, int]:
    """The length of the longest chain of dependencies of each node: 0 for a node without dependencies.

    Other nodes have no influence, so a new node does not change the depth of unrelated nodes.

    Raises:
        CycleError: if the dependencies contain a cycle.
    """
    result: dict[str, int] = {}
    pending = dict(edges)
    while pending:
        ready = [node for node, dependencies in pending.items() if dependencies <= result.keys()]
        if not ready:
            raise CycleError(_on_circles(pending))
        for node in ready:
            result[node] = max((result[dependency] + 1 for dependency in pending.pop(node)), default=0)
    return result


def topological(edges: Edges) -> list[str]:
    """The nodes sorted by depth and name: each follows its dependencies.

    Raises:
        CycleError: if the dependencies contain a cycle.
    """
    depth = depths_of(edges)
    return sorted(edges, key=lambda node: (depth[node], node))


def reachable(edges: Edges) -> dict[str, frozenset[str]]:
    """A node to all of its direct and transitive dependencies.

    Raises:
        CycleError: if the dependencies contain a cycle.
    """
    result: dict[str, frozenset[str]] = {}
    for node in topological(edges):
        result[node] = edges[node].union(*(result[dependency] for dependency in edges[node]))
    return result


def reduced(edges: Edges) -> dict[str, frozenset[str]]:
    """The transitive reduction: the edges that other edges do not imply.

    Raises:
        CycleError: if the dependencies contain a cycle.
    """
    all_dependencies = reachable(edges)
    return {
        node: frozenset(
            dependency
            for dependency in dependencies
            if not any(dependency in all_dependencies[other] for other in dependencies)
        )
        for node, dependencies in edges.items()
    }


def _on_circles(edges: Edges) -> frozenset[str]:
    """The nodes that remain after nodes without dependents are removed repeatedly."""
    remaining = set(edges)
    while removable := remaining - {dependency for node in remaining for dependency in edges[node]}:
        remaining -= removable
    return frozenset(remaining)
