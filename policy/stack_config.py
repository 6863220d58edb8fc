"""The stack config that the engine sends to a policy pack by the call `ConfigureStack`.

The policy SDK (1.21.0) ignores the config of this call. It reads the environment variable PULUMI_CONFIG instead,
which current engines do not set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime.proto import analyzer_pb2_grpc

_add_servicer = analyzer_pb2_grpc.add_AnalyzerServicer_to_server


def on_stack_config(receive: Callable[[Mapping[str, str]], None]) -> None:
    """Call `receive` with the stack config, in the policy pack that this process serves.

    The engine calls `ConfigureStack` before it requests the pack's policies and their enforcement levels.

    Args:
        receive: receives `project:key` to text; values that are not strings are JSON.
    """

    def add_servicer(servicer: Any, server: Any) -> None:
        configure_stack = servicer.ConfigureStack

        def configure(request: Any, context: Any) -> Any:
            receive(dict(request.config))
            return configure_stack(request, context)

        servicer.ConfigureStack = configure
        _add_servicer(servicer, server)

    analyzer_pb2_grpc.add_AnalyzerServicer_to_server = add_servicer
