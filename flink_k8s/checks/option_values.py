"""Values of options by their types, and variables in them that Flink does not expand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from flink_k8s.checks.subject import Subject
from flink_k8s.config.secret_text import is_secret
from flink_k8s.facts import tables
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import boolean, duration, memory, number
from flink_k8s.resolve import pod_requests

_INTERVALS = ("kubernetes.operator.periodic.savepoint.interval", "kubernetes.operator.periodic.checkpoint.interval")
"""Options whose value is a duration or a cron expression."""

_FLINK_TYPES: Final[Mapping[str, str]] = {
    "taskmanager.numberOfTaskSlots": "Positive",
    "parallelism.default": "Integer",
    "pipeline.max-parallelism": "Integer",
    "execution.checkpointing.interval": "Duration",
    "execution.checkpointing.min-pause": "Duration",
    "execution.checkpointing.timeout": "Duration",
    "execution.checkpointing.max-concurrent-checkpoints": "Integer",
    "execution.checkpointing.incremental": "Boolean",
    "execution.checkpointing.unaligned.enabled": "Boolean",
    "restart-strategy.fixed-delay.attempts": "Integer",
    "restart-strategy.fixed-delay.delay": "Duration",
    "restart-strategy.exponential-delay.initial-backoff": "Duration",
    "restart-strategy.exponential-delay.max-backoff": "Duration",
    "heartbeat.timeout": "Duration",
    "heartbeat.interval": "Duration",
    "table.exec.state.ttl": "Duration",
    "taskmanager.memory.managed.fraction": "Double",
    "slotmanager.redundant-taskmanager-num": "Integer",
    "web.submit.enable": "Boolean",
    "web.cancel.enable": "Boolean",
    "kubernetes.hostnetwork.enabled": "Boolean",
}
"""Types of frequent options of Flink, which flink.txt does not contain."""

_MAX_PARALLELISM: Final = "pipeline.max-parallelism"

_ERRORS = ("operator-validation", "flink-memory", "state-storage")
_MILLISECONDS = re.compile(r"\s*\d+\s*")
_VARIABLE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}|\$\([A-Z_][A-Z0-9_]*\)")
_EXPANDED = ("env.", "containerized.master.env.", "containerized.taskmanager.env.", "fs.", "flink.hadoop.")
"""Prefixes of options whose variables the start script, Kubernetes or Hadoop expands."""


def value_problems(key: str, text: str, operator: str) -> Iterator[tuple[str, str]]:
    """Rule and message of a value that an option cannot have, or that is probably not meant.

    Args:
        key: the option.
        text: its value.
        operator: version of the operator.
    """
    kind = _type(key, operator)
    if kind is None:
        return
    problem = _problem(kind, text)
    if problem is not None:
        text_of_value = "is not valid" if is_secret(key, text) else f'is "{text}"'
        yield "option-value", f"{text_of_value}; {problem}"
    elif kind in ("Duration", "Interval") and _MILLISECONDS.fullmatch(text) and int(text) != 0:
        units = ["h", "ms"] if int(text) < _LONGEST else ["ms"]
        examples = ", ".join(f'"{int(text)} {unit}"' for unit in units)
        yield "duration-unit", f'is "{text}", which is {int(text)} milliseconds; write a unit: {examples}'


def check(subject: Subject) -> None:
    """Check the values of a Flink resource's options, and the arguments of its job."""
    refused = {finding.path for finding in subject.findings if finding.rule in _ERRORS}
    for key, value in mapping(subject.spec.get("flinkConfiguration")).items():
        text, path = str(value), ("flinkConfiguration", key)
        variable = _VARIABLE.search(text)
        if variable is not None:
            if not key.startswith(_EXPANDED):
                subject.report_spec("unexpanded-variable", path, _unexpanded(variable.group()))
            continue
        for rule, message in value_problems(key, text, subject.operator):
            if rule != "option-value" or (*subject.at, *path) not in refused:
                subject.report_spec(rule, path, message)
    for index, argument in enumerate(listed(mapping(subject.spec.get("job")).get("args"))):
        variable = _VARIABLE.search(str(argument))
        if variable is not None:
            subject.report_spec("unexpanded-variable", ("job", "args", index), _unexpanded(variable.group()))
    _check_parallelism(subject)
    _check_autoscaler_limit(subject)


def _check_autoscaler_limit(subject: Subject) -> None:
    """The autoscaler never exceeds the maximum parallelism that Flink has set for the job, whatever its own limit."""
    limit, job = pod_requests.autoscaler_limit(subject.options.configuration), mapping(subject.spec.get("job"))
    if not limit or not job:
        return
    maximum = subject.option(_MAX_PARALLELISM)
    parallelism = str(job.get("parallelism") or subject.text("parallelism.default") or "1")
    if maximum is not None and _is(_positive, maximum[1]) and int(maximum[1]) < limit:
        message = (
            f"is {int(maximum[1])}, but the autoscaler may scale up to {limit}; raise it, or lower autoscaling.max"
        )
        subject.report_spec("max-parallelism", ("flinkConfiguration", maximum[0]), message)
    elif maximum is None and _is(_positive, parallelism) and _default_maximum(int(parallelism)) < limit:
        message = (
            f"is not set, so Flink limits the job to {_default_maximum(int(parallelism))}, unless its code sets a "
            f"maximum, but the autoscaler may scale up to {limit}; set it to a number with many divisors, such as 720"
        )
        subject.report_spec("max-parallelism", ("flinkConfiguration", _MAX_PARALLELISM), message)


def _default_maximum(parallelism: int) -> int:
    """The maximum parallelism that Flink chooses for a new job (KeyGroupRangeAssignment)."""
    return min(max(1 << (parallelism + parallelism // 2 - 1).bit_length(), 128), 2**15)


def _check_parallelism(subject: Subject) -> None:
    """Flink refuses an operator whose parallelism exceeds its maximum."""
    limit, job = subject.option(_MAX_PARALLELISM), mapping(subject.spec.get("job"))
    if limit is None or not job:
        return
    parallelism = str(job.get("parallelism") or subject.text("parallelism.default"))
    if _is(_positive, limit[1]) and _is(_positive, parallelism) and int(parallelism) > int(limit[1]):
        message = f"is {int(limit[1])}, and the parallelism of the job is {int(parallelism)}; raise it, at most 32768"
        subject.report_spec("max-parallelism", ("flinkConfiguration", limit[0]), message)


_LONGEST = 1000
"""Number without a unit from which on it is not meant as hours."""


def _unexpanded(variable: str) -> str:
    return (
        f"contains {variable}, which Flink does not expand; set the value, or use secretEnv or stateStorage.credentials"
    )


@cache
def _types(operator: str) -> Mapping[str, str]:
    types = dict(_FLINK_TYPES)
    for option in tables.operator_options(operator).values():
        types |= dict.fromkeys((option.key, *option.older), option.kind)
    return types | dict.fromkeys(_INTERVALS, "Interval")


def _type(key: str, operator: str) -> str | None:
    return _types(operator).get(key)


def _problem(kind: str, text: str) -> str | None:
    """The remedy if Flink refuses the text as a value of the type."""
    if kind == "Interval":
        fields = text.split()
        if len(fields) in (6, 7) and not _is(duration, text):
            return None  # a cron expression
        return None if _is(duration, text) else 'write a duration such as "6 h", or a cron expression of six fields'
    reader = _READERS.get(kind)
    if reader is None:
        return None
    try:
        reader(text)
    except ValueError as error:
        return str(error)
    return None


def _is(reader: Callable[[str], object], text: str) -> bool:
    try:
        reader(text)
    except ValueError:
        return False
    return True


def _integer(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d{1,10}\s*", text, re.ASCII) or abs(int(text)) >= 2**31:
        raise ValueError("write a whole number")
    return int(text)


def _positive(text: str) -> int:
    if _integer(text) < 1:
        raise ValueError("write 1 or more")
    return int(text)


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "Boolean": lambda text: boolean(text.strip()),
    "Integer": _integer,
    "Positive": _positive,
    "Double": number,
    "Duration": duration,
    "MemorySize": memory,
}
