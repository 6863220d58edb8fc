"""The platform's stack, as a dependency of a stack of jobs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pulumi

from flink_k8s.config.model import StackSettings
from flink_k8s.config.platform_stack import missing_platform
from flink_k8s.health.waiting import DESTROYING


def platform_outputs(settings: StackSettings) -> dict[str, object] | None:
    """The stack output `platform`, which stacks of jobs read; None for a stack of jobs.

    Args:
        settings: of the stack.
    """
    if settings.platform is not None:
        return None
    return {"namespaces": sorted(settings.namespaces), "operator": settings.operator.version}


@dataclass(frozen=True)
class PlatformStackArgs:
    """Requirements of a stack of jobs on its platform.

    Attributes:
        namespaces: that must exist.
        operator_version: set by the platform's stack file.
    """

    namespaces: Sequence[str]
    operator_version: str


class PlatformStack(pulumi.StackReference):
    """A reference to the platform's stack.

    The program checks jobs against the platform's stack file. The outputs of that stack show whether it is deployed.

    Attributes:
        ready: this resource, once the platform's outputs contain the namespaces.
    """

    def __init__(self, name: str, args: PlatformStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the platform's stack in this project.
            args: the requirements of the jobs.
            opts: of the reference.

        Raises:
            pulumi.RunError: from `ready`, if a namespace is missing.
        """
        super().__init__(f"{pulumi.get_organization()}/{pulumi.get_project()}/{name}", opts=opts)

        def checked(output: object) -> pulumi.Resource:
            if os.environ.get(DESTROYING):
                return self
            problem = missing_platform(name, output, sorted(args.namespaces))
            if problem:
                raise pulumi.RunError(problem)
            deployed = cast(Mapping[str, object], output).get("operator")
            if deployed != args.operator_version:
                pulumi.log.warn(
                    f"the stack {name} has operator {deployed}, but its file sets {args.operator_version}; "
                    f"run make up STACK={name} first"
                )
            return self

        self.ready: pulumi.Output[pulumi.Resource] = self.get_output("platform").apply(checked)
