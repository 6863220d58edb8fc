"""The dependency graph of a stack, from the dependencies that the program registers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from flink_k8s.program.dependencies import CycleError, Edges, reduced, topological
from flink_k8s.program.resource_graph import Resource, ResourceGraph, by_name
from flink_k8s.support import output_file
from flink_k8s.support.errors import CommandError

_BEGIN: Final = "<!-- graph of {stack}: written by make graph -->"
_END: Final = "<!-- end of graph -->"


def mermaid(graph: ResourceGraph) -> str:
    """A Mermaid flowchart with arrows from dependencies to dependents.

    A component is one node with the kinds in it, and arrows that others imply are omitted. Components that depend on
    parts of each other are drawn as subgraphs with their parts.
    """
    component_of = {resource.urn: graph.top(resource.urn) for resource in graph.objects}
    expanded: frozenset[str] = frozenset()
    while True:
        node_of = {urn: urn if group in expanded else group for urn, group in component_of.items()}
        edges = _collapsed(graph.edges, node_of)
        try:
            return _drawn(graph, node_of, component_of, expanded, reduced(edges))
        except CycleError as error:
            cyclic = frozenset(node for node in error.nodes if node in set(component_of.values()) - expanded)
            if not cyclic:
                raise
            expanded |= cyclic


def in_text(text: str, stack: str, flowchart: str) -> str:
    """The text with an updated flowchart of a stack.

    Raises:
        CommandError: if the text lacks the two marker lines around the flowchart.
    """
    begin = _BEGIN.format(stack=stack)
    start = text.find(begin)
    end = text.find(_END, start)
    if start < 0 or end < 0:
        raise CommandError(f"the file has no place for the graph; add the lines {begin} and {_END}")
    return f"{text[:start]}{begin}\n```mermaid\n{flowchart}```\n{text[end:]}"


def _collapsed(edges: Edges, node_of: Mapping[str, str]) -> dict[str, frozenset[str]]:
    result: dict[str, set[str]] = {node: set() for node in node_of.values()}
    for urn, dependencies in edges.items():
        result[node_of[urn]] |= {node_of[dependency] for dependency in dependencies} - {node_of[urn]}
    return {node: frozenset(dependencies) for node, dependencies in result.items()}


def _drawn(
    graph: ResourceGraph,
    node_of: Mapping[str, str],
    component_of: Mapping[str, str],
    expanded: frozenset[str],
    edges: Edges,
) -> str:
    sorted_nodes = topological(edges)
    names = _identifiers(graph, [*sorted_nodes, *sorted(expanded)])
    lines = ["flowchart LR"]
    for node in sorted_nodes:
        if component_of.get(node, node) not in expanded:
            members = [graph.by_urn[urn] for urn, other in node_of.items() if other == node]
            lines.append(f"    {names[node]}[{_label(graph.by_urn[node], members)}]")
    for frame in sorted(expanded):
        lines.append(f"    subgraph {names[frame]}[{_quoted(graph.by_urn[frame].title)}]")
        members = [graph.by_urn[node] for node in sorted_nodes if component_of.get(node) == frame]
        lines.extend(f"        {names[member.urn]}[{_quoted(member.title)}]" for member in members)
        lines.append("    end")
    arrows = [(dependency, node) for node in sorted_nodes for dependency in edges[node]]
    arrows.sort(key=lambda arrow: (sorted_nodes.index(arrow[0]), sorted_nodes.index(arrow[1])))
    lines.extend(f"    {names[dependency]} --> {names[node]}" for dependency, node in arrows)
    return "\n".join(lines) + "\n"


def _label(resource: Resource, members: Sequence[Resource]) -> str:
    if resource.custom:
        return _quoted(resource.title)
    kinds = Counter(member.kind for member in by_name(members))
    listed = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in kinds.items())
    return _quoted(f"<b>{resource.title}</b><br/>{listed}")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "#quot;") + '"'


def _identifiers(graph: ResourceGraph, urns: Sequence[str]) -> dict[str, str]:
    """A Mermaid identifier for each node, from its kind and name."""
    result: dict[str, str] = {}
    used_names: set[str] = set()
    for urn in urns:
        resource = graph.by_urn[urn]
        plain = re.sub(r"\W+", "_", f"{resource.kind}_{resource.name}")
        name, number = plain, 2
        while name in used_names:
            name, number = f"{plain}_{number}", number + 1
        used_names.add(name)
        result[urn] = name
    return result


def update(graph: ResourceGraph, stack: str, file: Path) -> None:
    """Update the graph of a stack in a file.

    Raises:
        CommandError: if the file has no place for it, or cannot be written.
    """
    before = _text(file)
    after = in_text(before, stack, mermaid(graph))
    if after != before:
        output_file.write(file, after)
        print(f"{file}: updated the graph of {stack}")


def verify(graph: ResourceGraph, stack: str, file: Path) -> None:
    """Compare the graph of a stack in a file with the declared graph.

    Raises:
        CommandError: if they differ.
    """
    before = _text(file)
    if in_text(before, stack, mermaid(graph)) != before:
        remedy = f"python -m flink_k8s graph {stack} --write {file}"
        raise CommandError(f"the graph of {stack} in {file} is outdated; run: {remedy}")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
