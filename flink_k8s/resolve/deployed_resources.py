"""The resources in the engine's state of the running stack, which the program reads through the engine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import grpc
import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

from flink_k8s.facts.mappings import mapping

Resources = Mapping[str, object]
"""URN to type and outputs."""


def register_provider() -> None:
    """Make the engine register the provider of its own functions, before any resource of the program.

    Without this, the first call of a function registers it, by a step like any other. If the call is in a hook, each
    worker of the engine (`--parallel`) can be in such a hook: none is left for the step, and the run never ends.
    """
    stack, project = pulumi.get_stack(), pulumi.get_project()
    urn = f"urn:pulumi:{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack}"
    # The answer is not needed: an error if the stack is not registered yet, of any class in a test with Pulumi's mocks.
    with suppress(Exception):
        _call("pulumi:pulumi:getResource", {"urn": urn})


def resources_of_deployed_stack() -> Resources:
    """The resources of the running stack; empty if the stack has no outputs, because it was never deployed.

    The engine fails to read the resources of a stack without resources, so its outputs are read first.

    Raises:
        pulumi.RunError: if the state cannot be read.
    """
    name = _stack_name()
    if not _invoke("pulumi:pulumi:readStackOutputs", {"name": name}):
        return {}
    return _invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": name})


def resources_in_state() -> Resources:
    """The resources of the running stack, also after a first run that has failed; empty if there are none."""
    try:
        return _invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": _stack_name()})
    except (grpc.RpcError, pulumi.RunError):
        return {}


def _stack_name() -> str:
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def _invoke(function: str, arguments: Mapping[str, str]) -> Mapping[str, object]:
    """A function of the engine itself that reads a stack.

    `pulumi.runtime.invoke` runs the event loop until the answer is there, and thereby starts the registration of
    resources. The SDK would then await them one by one: a job that fails would end the run only after slower jobs.
    """
    response = _call(function, arguments)
    if response.failures:
        raise pulumi.RunError(f"the state of the stack cannot be read: {response.failures[0].reason}")
    # The field `return` is a keyword of Python.
    answer: Mapping[str, object] = MessageToDict(getattr(response, "return"))
    return mapping(answer.get("outputs"))


def _call(function: str, arguments: Mapping[str, str]) -> Any:
    request = resource_pb2.ResourceInvokeRequest(tok=function)
    request.args.update(arguments)
    monitor: Any = get_monitor()
    return monitor.Invoke(request)
