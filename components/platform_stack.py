"""The stack that holds the platform, as a stack of jobs on it sees it: up, and with what the jobs need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pulumi

from flink_k8s.config.model import StackSettings
from flink_k8s.config.platform_stack import missing_platform


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
        problem = missing_platform(name, output, wanted)
        if problem:
            raise pulumi.RunError(problem)
        there = cast(Mapping[str, object], output).get("operator")
        if there != settings.operator.version:
            said = f"the stack {name} has operator {there}, and its file says {settings.operator.version}"
            pulumi.log.warn(f"{said}: bring it up first")
        return reference

    return reference.get_output("platform").apply(checked)
