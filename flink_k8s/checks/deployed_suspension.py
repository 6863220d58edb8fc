"""The jobs that `make suspend` has stopped, from the engine's state: every later `up` keeps them suspended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.job_spec import SUSPENDED


def deployed_suspension() -> dict[str, str]:
    """The suspended jobs of the running stack, by `kind/namespace/name`: time and user of their suspension.

    The engine reads its state for the program before any change. It fails for a stack without resources, so its outputs
    are read first.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    if not _invoke("pulumi:pulumi:readStackOutputs", {"name": name}):
        return {}
    suspended = suspended_in(_invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": name}))
    if suspended:
        jobs = ", ".join(f"{key.partition('/')[2]} (since {since})" for key, since in sorted(suspended.items()))
        pulumi.log.info(f"suspended until `make resume STACK={pulumi.get_stack()}`: {jobs}")
    return suspended


def suspended_in(resources: Mapping[str, object]) -> dict[str, str]:
    """The suspended jobs among resources.

    Args:
        resources: URN to type and outputs.
    """
    suspended: dict[str, str] = {}
    for resource in map(mapping, resources.values()):
        if str(resource.get("type")).startswith(f"kubernetes:{FLINK_GROUP}/"):
            outputs = mapping(resource.get("outputs"))
            metadata = mapping(outputs.get("metadata"))
            since = mapping(metadata.get("annotations")).get(SUSPENDED)
            if since is not None:
                suspended[f"{outputs.get('kind')}/{metadata.get('namespace')}/{metadata.get('name')}"] = str(since)
    return suspended


def _invoke(function: str, arguments: Mapping[str, str]) -> Mapping[str, object]:
    """A function of the engine itself that reads a stack.

    `pulumi.runtime.invoke` runs the event loop until the answer is there, and thereby starts the registration of
    resources. The SDK would then await them one by one: a job that fails would end the run only after slower jobs.
    """
    request = resource_pb2.ResourceInvokeRequest(tok=function)
    request.args.update(arguments)
    monitor: Any = get_monitor()
    response: Any = monitor.Invoke(request)
    if response.failures:
        raise pulumi.RunError(f"the state of the stack cannot be read: {response.failures[0].reason}")
    # The field `return` is a keyword of Python.
    answer: Mapping[str, object] = MessageToDict(getattr(response, "return"))
    return mapping(answer.get("outputs"))
