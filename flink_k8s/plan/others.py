"""The other parts of a plan: resources that are not jobs, and the engine's errors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.plan.spec_changes import Diff, differences
from flink_k8s.plan.steps import Operation, Step


@dataclass(frozen=True)
class OtherChange:
    """A change of a resource that is not a job.

    Attributes:
        operation: what happens to the resource.
        title: kind and name.
        fields: the inputs that differ.
        note: additional information.
    """

    operation: Operation
    title: str
    fields: tuple[str, ...] = ()
    note: str = ""


def shows(step: Step) -> bool:
    """Whether a plan has a line for the step."""
    return step.operation is not Operation.SAME


def other(step: Step) -> OtherChange:
    """The line of a resource that is not a job."""
    inputs = mapping(step.new if step.new is not None else step.old)
    metadata = mapping(inputs.get("metadata"))
    name = str(metadata.get("name") or inputs.get("name") or step.name)
    namespace = metadata.get("namespace") or inputs.get("namespace")
    title = f"{step.kind} {namespace}/{name}" if isinstance(namespace, str) else f"{step.kind} {name}"
    both = step.old is not None and step.new is not None
    changes = differences(mapping(step.old), mapping(step.new), Diff.UPGRADE) if both else []
    return OtherChange(step.operation, title, tuple(change.field for change in changes), _note(step))


def _note(step: Step) -> str:
    is_deleted = step.operation in (Operation.DELETE, Operation.REPLACE)
    if is_deleted and step.protected:
        return "refused: protected"
    if is_deleted and step.retained:
        return "stays in the cluster"
    if is_deleted and step.kind == FlinkKind.SNAPSHOT:
        savepoint = mapping(mapping(mapping(step.old).get("spec")).get("savepoint"))
        if savepoint.get("disposeOnDelete", True) is not False and savepoint:
            return "the files of its savepoint are deleted"
    return ""


def plain_error(message: str) -> str:
    """The engine's error in one line; empty for the message that only refers to another error."""
    text = " ".join(message.removeprefix("error: ").removeprefix("Preview failed: ").split())
    refused = re.search(r'resource "\S+::(\S+)" cannot be deleted because it is protected', text) or re.search(
        r'unable to replace resource "\S+::(\S+)" as it is currently marked for protection', text
    )
    if refused:
        return f"{refused.group(1)} is protected"
    return "" if text == "preview failed" else text
