"""The stack that holds the platform, as a stack of jobs on it sees it: up, and with what the jobs need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pulumi

from settings.model import StackSettings


def export(settings: StackSettings) -> dict[str, object] | None:
    """What a stack with a platform tells those of jobs on it, as a stack output; None of one of jobs alone.

    Args:
        settings: of the stack.
    """
    if settings.platform is not None:
        return None
    return {"namespaces": sorted(settings.namespaces), "operator": settings.operator.version}


def platform_below(settings: StackSettings) -> pulumi.Output[pulumi.Resource] | None:
    """The reference to the platform's stack, once it is known to have what is needed; None where there is none.

    What the platform is like stands in its stack file, by which everything is checked; whether it has been brought up
    like that, its outputs say.

    Args:
        settings: of the stack.
    """
    if settings.platform is None:
        return None
    name, wanted = settings.platform, sorted(settings.namespaces)
    reference = pulumi.StackReference(f"{pulumi.get_organization()}/{pulumi.get_project()}/{name}")

    def checked(output: object) -> pulumi.Resource:
        problem = missing(name, output, wanted)
        if problem:
            raise pulumi.RunError(problem)
        there = cast(Mapping[str, object], output).get("operator")
        if there != settings.operator.version:
            said = f"the stack {name} has operator {there}, and its file says {settings.operator.version}"
            pulumi.log.warn(f"{said}: bring it up first")
        return reference

    return reference.get_output("platform").apply(checked)


def missing(name: str, output: object, wanted: list[str]) -> str:
    """What the platform's stack lacks, in words; empty when nothing is missing.

    Args:
        name: of the platform's stack.
        output: its output `platform`.
        wanted: the namespaces that are needed.
    """
    cure = f"bring it up first: make up STACK={name}"
    if not isinstance(output, Mapping):
        return f"the stack {name}, which holds the platform, is not up; {cure}"
    there = cast(Mapping[str, object], output).get("namespaces")
    absent = [one for one in wanted if not isinstance(there, list) or one not in there]
    if absent:
        return f"the stack {name} has no namespace {', '.join(absent)} yet; {cure}"
    return ""
