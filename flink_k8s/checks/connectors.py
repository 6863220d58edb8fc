"""The `connectors` of jobs: whether their jars exist and fit together, and whether a SQL script has all of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from flink_k8s.checks.program import OFFICIAL_IMAGE
from flink_k8s.checks.sql import created_kind
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config import sql_text
from flink_k8s.config.problems import KeyPath, similar
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.sql_text import Kind, Statement, Token
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts.artifacts import BUILT_IN, CONNECTORS, Artifact, artifacts_of, flink_versions
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.connectors import unpublished
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_spec
from flink_k8s.resolve.sources import JOB_FILE

_OPTIONS: Final = {"TABLE": ("connector", "format", "key.format", "value.format"), "CATALOG": ("type",)}
"""Options whose values are identifiers of factories, by the kind of the created object."""


def check(stack: StackSubject) -> None:
    """Check the `connectors` of all jobs, and the tables of all SQL scripts."""
    for job in stack.jobs:
        if not job.kind.has_pods:
            if job.own.connectors or (job.source.sql is not None and job.source.sql.settings.connectors):
                remedy = f"set them for its session cluster {job.session_cluster or ''}".strip()
                stack.report("connector", _place(job)[1], f"have no effect for a {job.kind}; {remedy}", _place(job)[0])
            continue
        config, path = _place(job)
        for index, message in _faults(job):
            stack.report("connector", (*path, index) if index is not None else path, message, config)
        if job.source.sql is not None:
            for offset, message in _missing(job, job.source.sql):
                stack.report("sql-connector", (), message, job.source.sql.at(offset))


def _place(job: Job) -> tuple[StackConfig, KeyPath]:
    """The config and the path of the `connectors` that apply to a job."""
    for source in reversed(job.sources.ordered):
        sql = job.source.sql
        if source.name == JOB_FILE and sql is not None and sql.settings.connectors is not None:
            return sql.config, (*sql.settings_path, "connectors")
        if source.settings is not None and source.settings.connectors is not None and source.config_path:
            return source.config or job.config, (*source.config_path, "connectors")
    return job.config, ("jobs", job.name, "connectors")


def _faults(job: Job) -> Iterator[tuple[int | None, str]]:
    """The faults of a job's `connectors`: index of the entry, and message."""
    connectors = job.settings.connectors or []
    flink = short_version(cluster_spec(job.kind, job.spec).get("flinkVersion"))
    if not connectors or flink is None:
        return
    missing = list(unpublished(connectors, flink))
    used: dict[tuple[str, str, str], tuple[str, Artifact]] = {}
    for index, connector in enumerate(connectors):
        if connector in missing:
            versions = ", ".join(flink_versions(connector))
            remedy = "write the coordinates of another version"
            yield index, f"{connector} is not published for Flink {flink}, but for {versions}; {remedy}"
        own = Artifact.parse(connector)
        for artifact in (own,) if own else artifacts_of(connector, flink):
            other, first = used.setdefault((artifact.group, artifact.name, artifact.classifier), (connector, artifact))
            if first.version != artifact.version:
                jar = f"{artifact.group}:{artifact.name}"
                message = f"{connector} contains {jar} {artifact.version}, and {other} {first.version}"
                yield index, f"{message}; remove one of them"
    if job.image is None:
        yield None, "need the job's image, which contains Java, to download their jars; set image"


def _missing(job: Job, sql: SqlFile) -> Iterator[tuple[int, str]]:
    """The connectors, formats and catalogs of a script that the job does not have: offset, and message."""
    connectors = job.settings.connectors
    if connectors is None and not OFFICIAL_IMAGE.fullmatch(job.image or ""):
        return  # another image can contain any connector
    names = [name for name in connectors or () if name in CONNECTORS]
    has_own_jars = any(Artifact.parse(connector) for connector in connectors or ())
    for statement in sql_text.split(sql.script)[0]:
        for option, token in _identifiers(statement):
            provided = (BUILT_IN, *(CONNECTORS[name] for name in names))
            if any(token.value in item.identifiers(option) for item in provided) or "${" in token.value:
                continue
            candidates = [name for name, item in CONNECTORS.items() if token.value in item.identifiers(option)]
            if not candidates and has_own_jars:
                continue
            known = sorted({name for item in (BUILT_IN, *CONNECTORS.values()) for name in item.identifiers(option)})
            remedy = f"add {candidates[0]}" if candidates else "add the Maven coordinates of its jar"
            if not candidates and (near := similar(token.value, known)):
                remedy = f'did you mean "{near}"? Otherwise {remedy}'
            message = f'{option} "{token.value}" is neither in connectors of the job nor part of Flink'
            yield token.offset, f"{message}; {remedy} to connectors"


def _identifiers(statement: Statement) -> Iterator[tuple[str, Token]]:
    """The options of a statement whose values are identifiers of factories, with the tokens of the values."""
    options = _OPTIONS.get(created_kind(statement), ())
    tokens = statement.tokens
    for (key, equals), (_, value) in pairwise(pairwise(tokens)):
        if key.kind is value.kind is Kind.TEXT and equals.text == "=" and key.value in options:
            yield key.value, value
