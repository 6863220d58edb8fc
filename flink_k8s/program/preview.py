"""The declared resources of a stack as a tree, without the pulumi command."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from flink_k8s.program.command import declared_graph
from flink_k8s.program.gitops import ChartPlace
from flink_k8s.program.resource_graph import Resource, ResourceGraph

_NOT_A_DIFF: Final = """\
These are all resources of the stack {stack}. This is not a diff: the cluster was not contacted, so created, changed and
deleted resources are unknown. For a diff, install the pulumi command on PATH and run this again. Pulumi's SDK installs
it:
    python -c "from pulumi.automation import PulumiCommand; print(PulumiCommand.install().command)"
"""


def tree(graph: ResourceGraph) -> list[str]:
    """One line per component, object and release, under its parent, with its options."""
    children: dict[str, list[Resource]] = defaultdict(list)
    for resource in graph.resources:
        if not resource.is_provider:
            children[resource.parent].append(resource)
    stack = graph.stack.rpartition("::")[2]
    return [stack, *_branches(children, graph.stack, "")]


def summary(graph: ResourceGraph) -> str:
    """Number of resources by kind, for example `9 in all: 4 Namespace, 3 Release, …`."""
    kinds = Counter(resource.kind for resource in graph.objects)
    return f"{len(graph.objects)} in all: " + ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))


def _branches(children: dict[str, list[Resource]], parent: str, indent: str) -> Iterator[str]:
    siblings = sorted(
        children[parent], key=lambda resource: (resource.custom, resource.kind, resource.title, resource.urn)
    )
    for resource in siblings:
        last = resource is siblings[-1]
        yield f"{indent}{'└─' if last else '├─'} {_line(resource)}"
        yield from _branches(children, resource.urn, indent + ("   " if last else "│  "))


def _line(resource: Resource) -> str:
    options: list[str] = []
    if resource.is_release:
        chart_source = ChartPlace.of(resource)
        options.append(f"chart {chart_source.chart} {chart_source.version}".strip())
    if resource.protect:
        options.append("protected")
    if resource.retain_on_delete:
        options.append("retained on delete")
    options += [f"{moment}: {', '.join(names)}" for moment, names in resource.hooks.items()]
    return resource.title + (f"  ({'; '.join(options)})" if options else "")


def report(graph: ResourceGraph, stack: str) -> Sequence[str]:
    """The output of the command."""
    return [_NOT_A_DIFF.format(stack=stack), *tree(graph), "", summary(graph)]


def show(stack: str, config_file: Path | None = None) -> None:
    """Print what a stack declares.

    Raises:
        CommandError: if the program cannot run.
    """
    print("\n".join(report(declared_graph(stack, config_file), stack)))
