"""A stack's state, as `pulumi stack export` prints it: its resources as the program registers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flink_k8s.program.recording import Recording, Resource


def resources(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The resources in a state, as they stand there."""
    deployment = cast(Mapping[str, Any], state.get("deployment") or {})
    return cast("list[Mapping[str, Any]]", deployment.get("resources") or [])


def recorded(state: Mapping[str, Any]) -> Recording:
    """What the stack has now, without what is about to be deleted because something else took its place."""
    found = [resource(one) for one in resources(state) if not one.get("delete")]
    stack = next((one.urn for one in found if one.type == "pulumi:pulumi:Stack"), "")
    return Recording(tuple(one for one in found if one.urn != stack), stack)


def resource(said: Mapping[str, Any]) -> Resource:
    """One resource; its inputs are as the state has them: a secret is the engine's mark of one."""
    urn = str(said["urn"])
    by_property = cast("Mapping[str, list[str] | None]", said.get("propertyDependencies") or {})
    return Resource(
        urn=urn,
        type=str(said["type"]),
        name=urn.rpartition("::")[2],
        custom=said.get("custom", True) is True,
        parent=str(said.get("parent") or ""),
        inputs=cast("Mapping[str, object]", said.get("inputs") or {}),
        dependencies=frozenset(cast("list[str]", said.get("dependencies") or [])),
        property_dependencies={name: frozenset(urns) for name, urns in by_property.items() if urns},
        protect=said.get("protect") is True or None,
    )
