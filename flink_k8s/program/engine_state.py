"""The resources in a stack's state, in the form of `pulumi stack export`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flink_k8s.program.resource_graph import Resource, ResourceGraph


def resources(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The resources in a state, unchanged."""
    deployment = cast(Mapping[str, Any], state.get("deployment") or {})
    return cast("list[Mapping[str, Any]]", deployment.get("resources") or [])


def state_graph(state: Mapping[str, Any]) -> ResourceGraph:
    """The current resources of the stack, without replaced resources that are pending deletion."""
    registered = [resource(state_resource) for state_resource in resources(state) if not state_resource.get("delete")]
    stack = next(
        (state_resource.urn for state_resource in registered if state_resource.type == "pulumi:pulumi:Stack"), ""
    )
    return ResourceGraph(tuple(state_resource for state_resource in registered if state_resource.urn != stack), stack)


def resource(state: Mapping[str, Any]) -> Resource:
    """One resource with the inputs of the state, in which secrets are marked by the engine."""
    urn = str(state["urn"])
    by_property = cast("Mapping[str, list[str] | None]", state.get("propertyDependencies") or {})
    return Resource(
        urn=urn,
        type=str(state["type"]),
        name=urn.rpartition("::")[2],
        custom=state.get("custom", True) is True,
        parent=str(state.get("parent") or ""),
        inputs=cast("Mapping[str, object]", state.get("inputs") or {}),
        dependencies=frozenset(cast("list[str]", state.get("dependencies") or [])),
        property_dependencies={name: frozenset(urns) for name, urns in by_property.items() if urns},
        protect=state.get("protect") is True or None,
    )
