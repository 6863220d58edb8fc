"""Runs Flink's planner in a Java process, one for all scripts of a Flink version."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flink_k8s.operations.planner.jars import fetched, planner_jars
from flink_k8s.operations.planner.script import Script
from flink_k8s.operations.pyflink import java
from flink_k8s.plan.sql_state import Operator, PlannedJob
from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture, errors

PLAN_SQL: Final = Path(__file__).with_name("PlanSql.class")

_OPTIONS: Final = (
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # most code runs only once
    # A connection through this proxy fails: a connector must not reach its system.
    "-DsocksProxyHost=127.0.0.1",
    "-DsocksProxyPort=1",
)
_PREFIX: Final = "flink-k8s"
_TIMEOUT_SECONDS: Final = 600


@dataclass(frozen=True)
class Reason:
    """An error of the planner, or one of its causes.

    Attributes:
        type: class of the exception.
        message: of the exception; empty for none.
    """

    type: str
    message: str


@dataclass(frozen=True)
class Failure:
    """A statement that Flink cannot plan.

    Attributes:
        step: index of the statement in the script's steps.
        reasons: the error and its causes, the root cause last.
    """

    step: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class PlannedScript:
    """The result for a script.

    Attributes:
        failures: the statements that Flink cannot plan; empty if it can plan all.
        job: as Flink plans it; without operators if there are failures.
    """

    failures: tuple[Failure, ...] = ()
    job: PlannedJob = field(default_factory=PlannedJob)


def planned(scripts: Sequence[Script], repository: str) -> list[PlannedScript]:
    """Plan scripts, each with the planner of its Flink version.

    Args:
        scripts: to plan.
        repository: URL of the Maven repository with the planner.

    Raises:
        CommandError: if Java or the jars are missing, or Java fails.
    """
    results = [PlannedScript()] * len(scripts)
    for flink in sorted({script.flink for script in scripts if script.steps}):
        indices = [index for index, script in enumerate(scripts) if script.flink == flink and script.steps]
        rows = _rows([scripts[index] for index in indices], flink, repository)
        for number, index in enumerate(indices):
            results[index] = _result([row for row in rows if row[0] == str(number)])
    return results


def _rows(scripts: Sequence[Script], flink: str, repository: str) -> list[list[str]]:
    """The rows that the planner prints, without its prefix."""
    class_path = [PLAN_SQL.parent, *planner_jars(flink, repository)]
    lines = [line for number, script in enumerate(scripts) for line in _lines(number, script)]
    command = [java(), *_OPTIONS, "-cp", os.pathsep.join(map(str, class_path)), PLAN_SQL.stem]
    result = capture(command, stdin="".join(lines).encode(), timeout=_TIMEOUT_SECONDS)
    printed = result.stdout.decode(errors="replace").splitlines()
    rows = [line.split("\t")[1:] for line in printed if line.startswith(f"{_PREFIX}\t")]
    if result.returncode != 0 or sum(row[1] == "done" for row in rows) != len(scripts):
        reason = errors(result).splitlines()[-1]
        raise CommandError(f"Flink's planner {flink} failed: {reason}; it needs Java 11 or newer")
    return rows


def _lines(number: int, script: Script) -> Iterator[str]:
    """The input of the planner for a script."""
    yield _line("job", str(number), *(_encoded(str(jar)) for jar in fetched(script.jars, script.flink)))
    for key, value in script.options.items():
        yield _line("option", _encoded(key), _encoded(value))
    for index, step in enumerate(script.steps):
        yield _line(step.kind, str(index), _encoded(step.text))
    yield _line("plan")


def _line(*fields: str) -> str:
    return "\t".join(fields) + "\n"


def _result(rows: Sequence[Sequence[str]]) -> PlannedScript:
    return PlannedScript(
        tuple(Failure(int(row[2]), tuple(_reasons(_decoded(row[3])))) for row in rows if row[1] == "failed"),
        PlannedJob(
            tuple(Operator(row[2], row[3], _decoded(row[4])) for row in rows if row[1] == "operator"),
            next((_decoded(row[2]) for row in rows if row[1] == "plan"), ""),
        ),
    )


def _reasons(text: str) -> Iterator[Reason]:
    for line in filter(None, text.split("\0")):
        name, _, message = line.partition("\t")
        yield Reason(name, "" if message == "null" else message)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
