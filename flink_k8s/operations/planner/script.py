"""The statements of a SQL script that Flink's planner can plan on this machine, without a system that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from flink_k8s.checks.sql import created_kind, starts_job
from flink_k8s.config import sql_text
from flink_k8s.config.sql_text import Fault, Kind, Statement
from flink_k8s.facts.artifacts import IN_MEMORY_CATALOG, REMOTE_TABLES, planner_of
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.job_spec import flat

_OPTIONS: Final = ("execution.runtime-mode", "parallelism.default", "pipeline.", "sql.", "table.")
"""Prefixes of the options of a job that its plan depends on."""

_FILES: Final = ("pipeline.classpaths", "pipeline.jars")


@dataclass(frozen=True)
class Step:
    """A statement for the planner.

    Attributes:
        kind: `run` changes the catalog in memory, `insert` is a part of the job.
        text: the statement, after as many lines and columns as in the script.
        offset: of the statement in the script.
    """

    kind: str
    text: str
    offset: int


@dataclass(frozen=True)
class Script:
    """A script for the planner.

    Attributes:
        flink: version of Flink, `2.2`.
        jars: URLs of the connectors.
        options: of the job's Flink configuration and of the script, which has one job at its end.
        steps: the statements.
        limits: why other statements are not planned, with their offsets.
    """

    flink: str
    jars: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: tuple[Step, ...] = ()
    limits: tuple[Fault, ...] = ()


def script_of(text: str, flink: str, jars: tuple[str, ...], spec: Mapping[str, object]) -> Script:
    """The script for the planner.

    Args:
        text: of the script, with the values of its variables.
        flink: version of Flink, `2.2`.
        jars: URLs of the connectors.
        spec: of the job's FlinkDeployment.
    """
    if not planner_of(flink):
        supported = "Flink 1.19 and newer have a planner here"
        return Script(
            flink, limits=(Fault(0, f"is not planned: it has Flink {flink or 'of an unknown version'}; {supported}"),)
        )
    options = {
        key: str(value)
        for key, value in flat(mapping(spec.get("flinkConfiguration"))).items()
        if key.startswith(_OPTIONS) and key not in _FILES
    }
    options["parallelism.default"] = str(mapping(spec.get("job")).get("parallelism") or 1)
    steps: list[Step] = []
    limits: list[Fault] = []
    for statement in sql_text.split(text)[0]:
        reason = _remote(statement)
        if reason:
            limits.append(Fault(statement.offset, f"{reason}, so this statement and those after it are not planned"))
            break
        planned = list(_steps(text, statement))
        steps += planned
        if statement.words[:1] == ("SET",):
            options |= _option_of(statement)
        elif not planned:
            limits.append(Fault(statement.offset, "is not planned: Flink runs this statement in the cluster only"))
    return Script(flink, jars, options, tuple(steps), tuple(limits))


def _remote(statement: Statement) -> str:
    """Why Flink cannot plan a statement without another system or program; empty if it can."""
    kind = created_kind(statement)
    if kind == "CATALOG" and _option(statement, "type") != IN_MEMORY_CATALOG:
        return "creates a catalog, which Flink connects to"
    if kind == "TABLE" and (connector := _option(statement, "connector")) in REMOTE_TABLES:
        return f"creates a table of {connector}, whose catalog Flink connects to"
    if sql_text.uses_python(statement.text):
        return "creates a function in Python, which Flink calls to get its types"
    return ""


def _option(statement: Statement, key: str) -> str:
    """The value of an option in WITH (…); empty for none."""
    tokens = statement.tokens
    for name, equals, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if name.kind is value.kind is Kind.TEXT and equals.text == "=" and name.value == key:
            return value.value
    return ""


def _option_of(statement: Statement) -> dict[str, str]:
    """The option that a SET statement sets; empty for one that prints the options."""
    return {statement.tokens[1].value: statement.tokens[3].value} if len(statement.tokens) == 4 else {}


def _steps(text: str, statement: Statement) -> Iterator[Step]:
    """The steps of a statement; none if the planner cannot take it."""
    if statement.inserts is not None:
        for insert in statement.inserts:
            yield _step("insert", text, insert, insert.offset)
    elif statement.words[:1] == ("INSERT",):
        yield _step("insert", text, statement, statement.offset)
    elif statement.words[:2] == ("EXECUTE", "INSERT"):
        yield _step("insert", text, statement, statement.tokens[1].offset)
    elif not starts_job(statement) and statement.words[:1] not in (("ADD",), ("REMOVE",), ("SET",)):
        yield _step("run", text, statement, statement.offset)


def _step(kind: str, text: str, statement: Statement, start: int) -> Step:
    """A step whose positions in error messages are those in the script."""
    line, column = sql_text.place(text, start)
    end = statement.offset + len(statement.text)
    return Step(kind, "\n" * (line - 1) + " " * (column - 1) + text[start:end], statement.offset)
