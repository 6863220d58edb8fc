"""The components as a Pulumi package for programs in other languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi.provider
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError
from typing_extensions import override

from flink_k8s.components.engine_run import share_in_process
from flink_k8s.components.flink_job import FlinkJob
from flink_k8s.components.flink_platform import FlinkPlatform
from flink_k8s.config.stack_file import PROJECT


class ComponentPackage(ComponentProvider):
    """Constructs the components; Pulumi derives the schema from their annotations."""

    def __init__(self) -> None:
        super().__init__([FlinkPlatform, FlinkJob], PROJECT)

    @override
    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> pulumi.provider.ConstructResult:
        """Construct a component.

        Raises:
            pulumi.InputPropertiesError: contains every problem of the arguments; without a stack trace of Python.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, pulumi.RunError):
                raise pulumi.InputPropertiesError(str(error.inner), []) from None
            raise


def serve(arguments: Sequence[str]) -> None:
    """Serve the package to the engine until it ends the process.

    Args:
        arguments: of the command line: the address of the engine.
    """
    share_in_process()
    pulumi.provider.main(ComponentPackage(), list(arguments))
