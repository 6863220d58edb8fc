"""Why a job does not run, in the words of who knows: the operator's error, Python's last line, a pod's condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

Object = Mapping[str, Any]

UNSCHEDULABLE = "Unschedulable"
"""The scheduler's reason for a pod that fits on no node."""

_CAUSED_BY = "Caused by: "
_CURES = {
    "HA metadata is not available": (
        "a job that has never run has nothing to go on from, and is made anew: `enabled: false` for one `make up`, then"
        " without it; one that has run starts from a savepoint or checkpoint that restoreFrom names"
    ),
}
"""What helps, by words of the operator that say no more than `Manual restore required`."""

_NEVER_PASS = ("org.apache.flink.configuration.IllegalConfigurationException",)


@dataclass(frozen=True)
class OperatorError:
    """A status' `error`, read.

    Attributes:
        text: the cause, in one line.
        is_final: Flink refuses the configuration: nothing but another one helps.
        is_refusal: the operator refuses the spec, and goes on with the one before.
        is_of_pods: what the operator has read off the pods, once: they may say something newer.
    """

    text: str = ""
    is_final: bool = False
    is_refusal: bool = False
    is_of_pods: bool = False

    @classmethod
    def of(cls, error: object) -> OperatorError:
        """Reads it: the operator writes an exception there as JSON, its causes in `throwableList`."""
        if not error:
            return cls()
        try:
            found = cast(Object, json.loads(str(error)))
        except json.JSONDecodeError:
            return cls(_with_cure(root(str(error))))
        causes = [found, *cast("list[Object]", found.get("throwableList") or [])]
        outermost = str(found.get("type") or "")
        return cls(
            _with_cure(_innermost(causes) or str(found.get("type") or error)),
            is_final=str(causes[-1].get("type")) in _NEVER_PASS,
            is_refusal=outermost.endswith(".ValidationException"),
            is_of_pods=outermost.endswith(".DeploymentFailedException"),
        )


def _with_cure(text: str) -> str:
    cures = [cure for words, cure in _CURES.items() if words in text]
    return "; ".join((text, *cures))


def _innermost(causes: list[Object]) -> str:
    """The text of the last cause that has one; of several in a row of one type the first, which says where it was."""
    speaking = [cause for cause in causes if cause.get("message")]
    if not speaking:
        return ""
    cause = speaking.pop()
    while speaking and speaking[-1].get("type") == cause.get("type") and cause["message"] in speaking[-1]["message"]:
        cause = speaking.pop()
    name, message = str(cause.get("type") or ""), root(str(cause["message"]))
    # A SerializedThrowable is Flink's wrapping; its message begins with the exception that it wraps.
    is_named = name in message or name.endswith(".SerializedThrowable") or message != str(cause["message"])
    return message if is_named else f"{name}: {message}".removeprefix(": ")


def root(text: str) -> str:
    """What a message with a whole stack in it comes to: its last cause. Flink's REST interface answers so."""
    lines = text.strip().splitlines()
    if not any(line.startswith(("\tat ", _CAUSED_BY)) for line in lines):
        return text
    causes = [line.removeprefix(_CAUSED_BY) for line in lines if line.startswith(_CAUSED_BY)]
    return (causes or lines)[-1 if causes else 0].strip()


def python_error(log: str) -> str:
    """The last line that a PyFlink program wrote before its process ended badly, empty when the log has none.

    Flink itself knows no more than the exit code; what Python printed stands in the JobManager's log.
    """
    before, exited, _ = log.rpartition("--- Python Process Exited ---")
    if not exited:
        return ""
    for line in reversed(before.splitlines()):
        _, is_python, said = line.partition("flink.client.python.PythonDriver")
        text = said.partition(" - ")[2].strip()
        if is_python and text.strip("- "):
            return "" if "Python Process Started" in text else text
    return ""


def pod_trouble(pod: Object) -> str:
    """Why a pod does not run, in Kubernetes' words: `pod x: Unschedulable: …`; empty when it does."""
    name = cast(Object, pod["metadata"])["name"]
    status = cast(Object, pod.get("status") or {})
    for condition in cast(list[Object], status.get("conditions") or []):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"pod {name}: {condition.get('reason')}: {condition.get('message')}"
    containers = [*cast(list[Object], status.get("initContainerStatuses") or [])]
    containers += cast(list[Object], status.get("containerStatuses") or [])
    for container in containers:
        waiting = cast(Object, cast(Object, container.get("state") or {}).get("waiting") or {})
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return f"pod {name}: {waiting.get('reason')}: {waiting.get('message') or 'no message'}"
    return ""
