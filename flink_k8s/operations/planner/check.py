"""Check the statements of SQL jobs with Flink's planner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from flink_k8s.config import sql_text
from flink_k8s.config.findings import Remark, Severity
from flink_k8s.config.problems import Problem, shortened
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.sql_text import Fault
from flink_k8s.facts.versions import short_version
from flink_k8s.operations.planner.run import Failure, Reason, planned
from flink_k8s.operations.planner.script import Script, script_of
from flink_k8s.resolve.connectors import urls
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sql import parameters, rendered

RULE: Final = "sql-planner"

_POSITION: Final = re.compile(
    r"\b(?:from|at) line (\d+), column (\d+)(?: to line \d+, column \d+)?:?\s*", re.IGNORECASE
)
_EXPECTED: Final = re.compile(r"\s*Was expecting.*", re.DOTALL)
_WRAPPERS: Final = re.compile(r"^(?:SQL (?:parse|validation) failed\.\s*)+")
_DEFAULT_NAMES: Final = "default_catalog.default_database."

_MISSING: Final = {
    "java.io.FileNotFoundException": "a file is not on this machine",
    "java.lang.ClassNotFoundException": "a class is in none of the connectors",
    "java.lang.NoClassDefFoundError": "a class is in none of the connectors",
    "org.apache.flink.core.fs.UnsupportedFileSystemSchemeException": "the file system is only in the job's image",
}
"""Errors that do not occur in the cluster, where the image contains more."""

_NETWORK: Final = ("java.net.", "java.rmi.")
_NO_FACTORY: Final = "Could not find any factory for identifier"


def check_sql(stack: DeclaredStack) -> tuple[list[Problem], list[Remark], int]:
    """Plan the scripts of all SQL jobs.

    Returns:
        The errors of the statements, what is not checked, and the number of the planned scripts.

    Raises:
        CommandError: if the planner cannot run.
    """
    jobs = [(job, job.source.sql) for job in stack.jobs if job.source.sql is not None]
    clusters = {job.key: job.spec for job in stack.jobs}
    scripts = [_script(job, sql, clusters.get(job.target or "", job.spec)) for job, sql in jobs]
    problems: list[Problem] = []
    remarks: list[Remark] = []
    for (job, sql), script, result in zip(jobs, scripts, planned(scripts, stack.settings.repository), strict=True):
        faults, limits = _faults(script, result.failures, rendered(sql, job.settings))
        problems += _problems(job, sql, faults)
        remarks += (Remark(Severity.NOTICE, problem) for problem in _problems(job, sql, [*script.limits, *limits]))
    return problems, remarks, sum(bool(script.steps) for script in scripts)


def _script(job: Job, sql: SqlFile, cluster: Mapping[str, object]) -> Script:
    flink = short_version(cluster.get("flinkVersion")) or ""
    return script_of(rendered(sql, job.settings), flink, tuple(urls(cluster)), job.spec)


def _problems(job: Job, sql: SqlFile, faults: Iterable[Fault]) -> Iterator[Problem]:
    """The problems at the places of the file, for faults of the script with the values of its variables."""
    for fault in faults:
        offset = sql_text.origin(sql.script, parameters(job.settings), fault.offset)
        yield sql.at(offset).problem((), fault.message, RULE)


def _faults(script: Script, failures: Iterable[Failure], text: str) -> tuple[list[Fault], list[Fault]]:
    """The faults of statements, and why others cannot be planned here."""
    faults: list[Fault] = []
    limits: list[Fault] = []
    for failure in failures:
        start = script.steps[failure.step].offset
        message = shortened(_message(failure.reasons), 600)
        if reason := _limit(failure.reasons):
            limits.append(Fault(start, f"is not planned, because {reason}: {message}"))
        else:
            position = _position(failure.reasons, text)
            offset = start if position is None or position < start else position
            faults.append(Fault(offset, f"Flink's planner: {message}; correct the statement"))
    return faults, limits


def _limit(reasons: Iterable[Reason]) -> str:
    """Why an error does not occur in the cluster; empty if it does."""
    for reason in reasons:
        if reason.type in _MISSING:
            return _MISSING[reason.type]
        if reason.type.startswith(_NETWORK):
            return "Flink connects to another system for it"
        if reason.message.startswith(_NO_FACTORY):
            return "its factory is in none of the connectors"
    return ""


def _position(reasons: Iterable[Reason], text: str) -> int | None:
    """The offset that an error names; None for none."""
    for reason in reasons:
        if match := _POSITION.search(reason.message):
            return sql_text.offset_of(text, int(match[1]), int(match[2]))
    return None


def _message(reasons: tuple[Reason, ...]) -> str:
    """The message of the root cause, after that of an error which names the table."""
    texts = [_WRAPPERS.sub("", _POSITION.sub("", _EXPECTED.sub("", reason.message))) for reason in reasons]
    root = next((text for text in reversed(texts) if text), reasons[-1].type)
    first = texts[0].partition("\n")[0]
    message = root if not first or root.startswith(first) or first in root else f"{first} {root}"
    return " ".join(message.replace(_DEFAULT_NAMES, "").split()).rstrip(".;")
