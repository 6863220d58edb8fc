"""The Flink resource of a SQL file: the program that runs the script, and the ConfigMap with the script.

From Flink 2.0 on, Flink's own driver runs the script. Older versions have none, and the driver of any version prints
each statement into the log: there, and for a script with secrets, `jobs/pyflink/src/sql_job.py` of the jobs' image runs
the statements. On a session cluster, the driver gets the script as an argument: a session job has no pods.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from flink_k8s.config import sql_text
from flink_k8s.config.model import JobSettings
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.sql_text import Kind, Statement
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.code_hash import SCRIPT_OPTION
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

SQL_DRIVER: Final = "org.apache.flink.table.runtime.application.SqlDriver"
RUNNER: Final = "/opt/flink/usrlib/src/sql_job.py"
"""The program of the jobs' image that runs the statements of a script."""

SECRETS_FOLDER: Final = "/opt/flink/sql-secrets"
"""Folder of the JobManager with a folder per Secret that the script refers to."""

_SCRIPT_FOLDER: Final = "/opt/flink/sql"
_PYTHON_DRIVER: Final = "org.apache.flink.client.python.PythonDriver"
_PYTHON: Final = "/usr/local/bin/python3"
_ANY_JAR: Final = "local:///opt/flink/bin/bash-java-utils.jar"
"""A jar of every Flink distribution, whose name contains no version: Flink's start scripts run it.

The driver is in Flink's own libraries and needs no jar, but the operator's Flink client (1.20) refuses to deploy an
application without one ("Should only have one jar").
"""

_SESSION_JAR: Final = "maven:org.apache.flink:flink-annotations:2.2.1"
"""A small jar that the operator sends to a session cluster, because a session job must have one; nothing of it runs."""

_SCRIPT_ARGUMENT: Final = "--script"

DRIVER_SINCE: Final = (2, 0)
"""The first Flink version with the driver."""

_VOLUME: Final = "sql"
_CONFIG_MAP: Final = re.compile(r".+-sql-[0-9a-f]{10}")


def rendered(sql: SqlFile, settings: JobSettings) -> str:
    """The script with the values of its variables.

    Args:
        sql: the file.
        settings: of the job, merged from all sources.
    """
    return sql_text.substitute(sql.script, parameters(settings))[0]


def parameters(settings: JobSettings) -> dict[str, str]:
    """The values of the variables of a script."""
    return {name: value for name, value in (settings.parameters or {}).items() if value is not None}


def texts(sql: SqlFile, settings: JobSettings) -> Iterator[tuple[int, str, str]]:
    """The texts of the script with the values of its variables.

    Args:
        sql: the file.
        settings: of the job, merged from all sources.

    Yields:
        The offset in the file, the name of the option whose value it is (empty for another text), the text.
    """
    script = rendered(sql, settings)
    in_file, with_values = (
        [token for token in sql_text.tokens(part) if token.kind is Kind.TEXT] for part in (sql.script, script)
    )
    name, end = "", 0
    for token, text in zip(in_file, with_values, strict=True):  # a value never ends the text around it
        is_value = script[end : text.offset].strip() == "="
        yield token.offset, name if is_value else "", text.value
        name, end = text.value, text.offset + len(text.text)


def sql_spec(sql: SqlFile, settings: JobSettings) -> dict[str, object]:
    """The part of the spec that runs the script in the JobManager.

    Args:
        sql: the file.
        settings: of the job, merged from all sources.
    """
    script = rendered(sql, settings)
    if sql.session_cluster is not None:
        args = [_SCRIPT_ARGUMENT, sql_text.one_per_line(script)]
        return {"job": {"jarURI": _SESSION_JAR, "entryClass": SQL_DRIVER, "args": args}}
    mounts: list[dict[str, object]] = [{"mountPath": _SCRIPT_FOLDER, "name": _VOLUME, "readOnly": True}]
    volumes: list[dict[str, object]] = [{"name": _VOLUME, "configMap": {"name": _config_map_name(sql, script)}}]
    keys: dict[str, list[str]] = {}
    for secret, key in sql_text.secrets(script):
        keys.setdefault(secret, []).append(key)
    for index, (secret, names) in enumerate(keys.items()):
        volume = f"{_VOLUME}-secret-{index}"
        items = [{"key": name, "path": name} for name in names]
        mounts.append({"mountPath": f"{SECRETS_FOLDER}/{secret}", "name": volume, "readOnly": True})
        volumes.append({"name": volume, "secret": {"secretName": secret, "items": items}})
    pod = {"containers": [{"name": MAIN_CONTAINER, "volumeMounts": mounts}], "volumes": volumes}
    return {"job": _program(sql, settings, script), "jobManager": {"podTemplate": {"spec": pod}}}


def _program(sql: SqlFile, settings: JobSettings, script: str) -> dict[str, object]:
    if _needs_runner(settings, script):
        steps = f"{_SCRIPT_FOLDER}/{sql.name}.json"
        return {"entryClass": _PYTHON_DRIVER, "args": ["-pyclientexec", _PYTHON, "-py", RUNNER, steps]}
    args = [SCRIPT_OPTION, f"file://{_SCRIPT_FOLDER}/{sql.name}.sql"]
    return {"jarURI": _ANY_JAR, "entryClass": SQL_DRIVER, "args": args}


def _needs_runner(settings: JobSettings, script: str) -> bool:
    version = short_version((settings.spec or {}).get("flinkVersion") or settings.flink_version)
    is_old = version is not None and tuple(map(int, version.split("."))) < DRIVER_SINCE
    return is_old or bool(sql_text.secrets(script))


def _config_map_name(sql: SqlFile, script: str) -> str:
    """A name that changes with the statements, but not with comments and spaces.

    A changed statement restarts the job, and until then its pods can mount the old ConfigMap.
    """
    return f"{sql.name}-sql-{hashlib.sha256(sql_text.fingerprint(script).encode()).hexdigest()[:10]}"


def config_map(sql: SqlFile, settings: JobSettings) -> dict[str, object]:
    """The ConfigMap with the script, without a namespace.

    Args:
        sql: the file.
        settings: of the job, merged from all sources.
    """
    script = rendered(sql, settings)
    data = {f"{sql.name}.sql": script}
    if _needs_runner(settings, script):
        data = {f"{sql.name}.json": json.dumps(steps(script), indent=1, ensure_ascii=False)}
    metadata = {"name": _config_map_name(sql, script), "labels": labels(sql.name)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def config_map_of(spec: Mapping[str, object]) -> str | None:
    """Name of the ConfigMap that the JobManager of a SQL job mounts; None for another job."""
    pod = mapping(mapping(mapping(spec.get("jobManager")).get("podTemplate")).get("spec"))
    for volume in map(mapping, listed(pod.get("volumes"))):
        name = mapping(volume.get("configMap")).get("name")
        if volume.get("name") == _VOLUME and isinstance(name, str) and _CONFIG_MAP.fullmatch(name):
            return name
    return None


def session_script(spec: Mapping[str, object]) -> str | None:
    """The script of a SQL job on a session cluster; None for another job."""
    job = mapping(spec.get("job"))
    args = [str(argument) for argument in listed(job.get("args"))]
    is_script = job.get("entryClass") == SQL_DRIVER and args[:1] == [_SCRIPT_ARGUMENT] and len(args) == 2
    return args[1] if is_script else None


def script_in(config_map: Mapping[str, object]) -> str | None:
    """The script in the ConfigMap of a SQL job; None for another ConfigMap."""
    for name, text in mapping(config_map.get("data")).items():
        if isinstance(text, str) and name.endswith(".sql"):
            return text
        if isinstance(text, str) and name.endswith(".json"):
            return ";\n".join(_statement(mapping(step)) for step in listed(cast(object, json.loads(text))))
    return None


def _statement(step: Mapping[str, object]) -> str:
    """The statement of a step."""
    if "set" in step:
        return "SET {} = {}".format(*("'" + str(text).replace("'", "''") + "'" for text in listed(step["set"])))
    if "sql" in step:
        return str(step["sql"])
    return "\n".join(["BEGIN STATEMENT SET;", *(f"{insert};" for insert in listed(step.get("inserts"))), "END"])


def steps(script: str) -> list[dict[str, object]]:
    """The statements of a script for `sql_job.py`: options, inserts that run as one job, and other statements."""
    return [_step(statement) for statement in sql_text.split(script)[0]]


def _step(statement: Statement) -> dict[str, object]:
    if statement.inserts is not None:
        return {"inserts": [sql_text.without_comments(insert.text) for insert in statement.inserts]}
    if statement.words[:1] == ("INSERT",):
        return {"inserts": [sql_text.without_comments(statement.text)]}
    if statement.words[:1] == ("SET",) and len(statement.tokens) == 4:
        return {"set": [statement.tokens[1].value, statement.tokens[3].value]}
    return {"sql": sql_text.without_comments(statement.text)}
