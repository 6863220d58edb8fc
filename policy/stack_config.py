"""The stack config that the engine sends to a policy pack by the call `ConfigureStack`.

The SDK for policies (1.21.0) drops the config of that call. It reads the environment variable PULUMI_CONFIG instead,
which current engines do not set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime.proto import analyzer_pb2_grpc

_add_servicer = analyzer_pb2_grpc.add_AnalyzerServicer_to_server


def on_stack_config(receive: Callable[[Mapping[str, str]], None]) -> None:
    """Hand over the stack config to `receive`, in the policy pack that this process serves from now on.

    The engine calls `ConfigureStack` before it asks for the pack's policies and their enforcement levels.

    Args:
        receive: gets `project:key` to text; JSON for what is not a string.
    """

    def add_servicer(servicer: Any, server: Any) -> None:
        configure_stack = servicer.ConfigureStack

        def configure(request: Any, context: Any) -> Any:
            receive(dict(request.config))
            return configure_stack(request, context)

        servicer.ConfigureStack = configure
        _add_servicer(servicer, server)

    analyzer_pb2_grpc.add_AnalyzerServicer_to_server = add_servicer
