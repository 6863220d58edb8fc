"""Reasons why a job does not run: the operator's error, Python's last line, the condition of a pod."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from flink_k8s.config.problems import shortened
from flink_k8s.config.secret_text import redacted
from flink_k8s.facts.mappings import condition

Object = Mapping[str, Any]

UNSCHEDULABLE = "Unschedulable"
"""The scheduler's reason for a pod that fits on no node."""

_CAUSED_BY = "Caused by: "
_LOCATED = re.compile(r"(?:From|At) line \d+, column \d+")
"""The beginning of a message with the position of a statement; its cause has the same message without the position."""

_EXPECTED = re.compile(r"\s*Was expecting(?: one of)?:.*", re.DOTALL)
"""The end of a message of the SQL parser: hundreds of words that would be valid."""

_WRAPPER = ".SerializedThrowable"
_CLASS_AND_MESSAGE = re.compile(r"(?P<name>[\w$]+(?:\.[\w$]+)+)(?:: (?P<message>.*))?", re.DOTALL)

_REMEDIES = {
    "HA metadata is not available": (
        "if the job has never run, it has no state; create it again: run `make up ALLOW=<job>` with `enabled: false`,"
        " and then without both; if it has run, set restoreFrom to a savepoint or checkpoint"
    ),
}
"""Remedies by text in the operator's error, which only contains `Manual restore required`."""

_RECENT_SECONDS = 300
"""Age of a crash that still counts: the longest back-off of the kubelet."""

_LOG_RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
"""The beginning of a record in Flink's log."""

_NEVER_PASS = ("org.apache.flink.configuration.IllegalConfigurationException",)


@dataclass(frozen=True)
class OperatorError:
    """The parsed `error` of a status.

    Attributes:
        text: the cause, in one line.
        is_final: Flink refuses the configuration, so a retry cannot succeed.
        is_refusal: the operator refuses the spec, and continues with the previous one.
        is_of_pods: the operator has read the error from the pods, whose conditions may be newer.
    """

    text: str = ""
    is_final: bool = False
    is_refusal: bool = False
    is_of_pods: bool = False

    @classmethod
    def of(cls, error: object) -> OperatorError:
        """Parse an error: the operator writes an exception as JSON, with its causes in `throwableList`."""
        if not error:
            return cls()
        try:
            exception = cast(Object, json.loads(str(error)))
        except json.JSONDecodeError:
            return cls(_with_remedy(root(str(error))))
        causes = [exception, *cast("list[Object]", exception.get("throwableList") or [])]
        outermost = str(exception.get("type") or "")
        return cls(
            _with_remedy(_EXPECTED.sub("", _innermost(causes)) or str(exception.get("type") or error)),
            is_final=str(causes[-1].get("type")) in _NEVER_PASS,
            is_refusal=outermost.endswith(".ValidationException"),
            is_of_pods=outermost.endswith(".DeploymentFailedException"),
        )


def _with_remedy(text: str) -> str:
    remedies = [remedy for words, remedy in _REMEDIES.items() if words in text]
    return "; ".join((text, *remedies))


def _innermost(causes: list[Object]) -> str:
    """The text of the last cause with a message.

    Of consecutive causes of one type, the first has more context, and so has a cause with the line of a SQL script.
    """
    with_message = [exception for exception in map(_unwrapped, causes) if exception.get("message")]
    if not with_message:
        return ""
    exception = with_message.pop()
    while (
        with_message
        and (with_message[-1].get("type") == exception.get("type") or _LOCATED.match(with_message[-1]["message"]))
        and exception["message"] in with_message[-1]["message"]
    ):
        exception = with_message.pop()
    name, message = str(exception.get("type") or ""), root(str(exception["message"]))
    is_named = name in message or name.endswith(_WRAPPER) or message != str(exception["message"])
    return message if is_named else f"{name}: {message}".removeprefix(": ")


def _unwrapped(exception: Object) -> Object:
    """The exception that Flink has wrapped to serialize it: the message begins with its class."""
    wrapped = _CLASS_AND_MESSAGE.fullmatch(str(exception.get("message")))
    if wrapped is None or not str(exception.get("type")).endswith(_WRAPPER):
        return exception
    return {"type": wrapped["name"], "message": wrapped["message"]}


def root(text: str) -> str:
    """The last cause in a message with a stack trace, such as those of Flink's REST endpoint."""
    lines = text.strip().splitlines()
    if not any(line.startswith(("\tat ", _CAUSED_BY)) for line in lines):
        return text
    causes = [line.removeprefix(_CAUSED_BY) for line in lines if line.startswith(_CAUSED_BY)]
    if len(causes) > 1 and _LOCATED.match(causes[-2].partition(": ")[2]):
        return causes[-2].strip()
    return (causes or lines)[-1 if causes else 0].strip()


def python_error(log: str) -> str:
    """The last line that a failed PyFlink program wrote; empty if the log does not contain it.

    Flink reports only the exit code; the output of Python is in the JobManager's log.
    """
    before, exited, _ = log.rpartition("--- Python Process Exited ---")
    if not exited:
        return ""
    for line in reversed(before.splitlines()):
        _, is_python, record = line.partition("flink.client.python.PythonDriver")
        text = record.partition(" - ")[2].strip()
        if is_python and text.strip("- "):
            return "" if "Python Process Started" in text else text
    return ""


def pod_issue(pod: Object) -> str:
    """The reason and message of a pod that does not run, `pod x: Unschedulable: …`; empty if it runs."""
    name = cast(Object, pod["metadata"])["name"]
    status = cast(Object, pod.get("status") or {})
    for state in cast(list[Object], status.get("conditions") or []):
        if state.get("type") == "PodScheduled" and state.get("status") == "False":
            return f"pod {name}: {state.get('reason')}: {state.get('message')}"
    containers = [*cast(list[Object], status.get("initContainerStatuses") or [])]
    containers += cast(list[Object], status.get("containerStatuses") or [])
    for container in containers:
        waiting = cast(Object, cast(Object, container.get("state") or {}).get("waiting") or {})
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            text = f"pod {name}: {waiting.get('reason')}: {waiting.get('message') or 'no message'}"
            return f"{text}; {last_line}" if (last_line := _last_message(container)) else text
    return f"pod {name}: crashed {restarts} times" if (restarts := crashes(pod)) else ""


def _last_message(container: Object) -> str:
    """The last line of the message with which a container has ended, such as the container that fetches connectors."""
    last = cast(Object, cast(Object, container.get("lastState") or {}).get("terminated") or {})
    lines = str(last.get("message") or "").split("\n")
    return shortened(redacted(next((line for line in reversed(lines) if line.strip()), "")), 300)


def crashes(pod: Object) -> int:
    """Restarts of a pod's container in a crash loop; 0 for fewer than two restarts, or if the last was long ago."""
    status = cast(Object, pod.get("status") or {})
    for container in cast(list[Object], status.get("containerStatuses") or []):
        last = cast(Object, cast(Object, container.get("lastState") or {}).get("terminated") or {})
        restarts = int(container.get("restartCount") or 0)
        if restarts < 2 or not last.get("exitCode") or not last.get("finishedAt"):
            continue
        ended = datetime.fromisoformat(str(last["finishedAt"]))
        if (datetime.now(UTC) - ended).total_seconds() < _RECENT_SECONDS:
            return restarts
    return 0


def fatal_error(log: str) -> str:
    """The root cause of the last exception that a process of Flink logged before it ended; empty if there is none."""
    for record in reversed(_LOG_RECORD.split(log)):
        if _CAUSED_BY in record or "\n\tat " in record:
            exception = record.partition("\n")[2]
            return redacted(shortened(root(exception), 1_000))
    return ""


_FORBIDDEN = re.compile(r'pods "[^"\n]+" is forbidden: [^\n]*?(?=\. Received status| Received status|$)', re.MULTILINE)

_READY_SECONDS = 15
"""Time after which a healthy job has TaskManagers."""


def is_waiting_for_workers(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is a JobManager that has been ready for a while, so its log may contain admission errors."""
    if (pod["metadata"].get("labels") or {}).get("component") != "jobmanager":
        return False
    ready = condition(pod, "Ready")
    if ready is None:
        return False
    since = datetime.fromisoformat(str(ready["lastTransitionTime"]))
    return (datetime.now(UTC) - since).total_seconds() >= _READY_SECONDS


def replica_failure(deployment: Mapping[str, Any]) -> str:
    """The API server's message if a Deployment cannot create pods, else empty."""
    failure = condition(deployment, "ReplicaFailure")
    return "" if failure is None else str(failure.get("message") or failure.get("reason"))


def refused_worker(log: str) -> str:
    """The last admission error in the log of a JobManager; empty if there is none."""
    errors = _FORBIDDEN.findall(log)
    return str(errors[-1]).strip() if errors else ""
