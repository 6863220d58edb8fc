"""Run a Python job or a SQL job in a local Flink, with the arguments that a stack sets.

It runs without Kubernetes, with Flink's own `flink run --target local`. Local folders replace the files of the image
and the volumes, and the stack's state storage is not used. Connectors are downloaded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from flink_k8s.config import sql_text
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.operations.access import find_job
from flink_k8s.operations.pyflink import PyFlink, java, pyflink
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.connectors import FETCH_JARS, file_of, urls
from flink_k8s.resolve.connectors import FOLDER as CONNECTORS
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, arguments_of, flat, job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sql import RUNNER, rendered, steps
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must

IN_IMAGE = "/opt/flink/usrlib"
"""The folder of the image that contains jobs/pyflink."""

SOURCES = ROOT / "jobs" / "pyflink"

_FILE_OPTIONS = ("-py", "--python", "-pyfs", "--pyFiles", "-pyarch", "--pyArchives", "-pyreq", "--pyRequirements")
_PYTHON_OPTIONS = ("-pyexec", "--pyExecutable", "-pyclientexec", "--pyClientExecutable")
_CLUSTER_OPTIONS = (
    *("kubernetes.", "high-availability", "job.autoscaler.", "metrics.", "rest.", "security.", "env."),
    *("jobmanager.", "taskmanager.memory.", "s3.", "fs.", "web."),
    *("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"),
    *("state.checkpoints.dir", "state.savepoints.dir", "execution.savepoint", "execution.state-recovery"),
)
"""Prefixes of options that apply to a cluster only, or would write into the stack's state storage."""


@dataclass(frozen=True)
class LocalRun:
    """A job's run on this machine.

    Attributes:
        options: of `flink run`; the Python program is the last one.
        arguments: of the program.
        configuration: of Flink, flat.
        environment: variables of the job's container.
        folders: to create before the run, one per volume.
        jars: URLs of the connectors, by the file that each is downloaded to before the run.
        statements: of a SQL job, by the file that the program reads them from.
        missing: variables that a Secret sets in the cluster, and that are not in this process' environment.
    """

    options: list[str]
    arguments: list[str]
    configuration: dict[str, str]
    environment: dict[str, str]
    folders: list[Path]
    jars: dict[Path, str]
    statements: dict[Path, str]
    missing: list[str]


def local_run(job: Job, folder: Path, python: Path, environment: Mapping[str, str]) -> LocalRun:
    """Convert a merged job to a run on this machine.

    Args:
        job: a FlinkDeployment or FlinkSessionJob with a Python program, or a SQL job.
        folder: for its volumes and its checkpoints, one folder each.
        python: the interpreter with PyFlink.
        environment: of this process.

    Raises:
        CommandError: if it is another job, or one of its files does not exist here.
    """
    spec = cast(dict[str, Any], job.spec)
    for key in job.kind.spec_path[1:]:
        spec = cast(dict[str, Any], spec[key])
    container = _container(spec)
    volumes = _volumes(container, folder)

    def local_path(text: str, *, must_exist: bool = False) -> str:
        return _local_path(job, text, volumes, must_exist=must_exist)

    statements: dict[Path, str] = {}
    if job.source.sql is not None:
        script = rendered(job.source.sql, job.settings)
        _require_secrets(job, script, environment)
        file = folder / "statements.json"
        statements[file] = json.dumps(steps(sql_text.with_texts(script, local_path)))
        options, arguments = [("-py", RUNNER)], [str(file), "--wait"]
    else:
        options, arguments = _command(job, arguments_of(spec))
    python_options: list[str] = []
    for flag, value in options:
        if flag in _PYTHON_OPTIONS:
            continue
        files = [local_path(part, must_exist=True) for part in value.split(",")] if flag in _FILE_OPTIONS else [value]
        python_options += [flag, ",".join(files)]
    configuration = {
        key: str(value)
        for key, value in flat(spec.get("flinkConfiguration") or {}).items()
        if not key.startswith(_CLUSTER_OPTIONS)
    }
    parallelism = (job_of(spec) or {}).get("parallelism")
    configuration["parallelism.default"] = str(parallelism or 1)
    configuration["execution.checkpointing.dir"] = f"file://{folder / 'checkpoints'}"
    variables, missing = _environment(container, environment)
    jars = {volumes[CONNECTORS] / file_of(url): url for url in urls(spec)}
    class_path = [part for jar in jars for part in ("-C", f"file://{jar}")]
    interpreters = ["-pyexec", str(python), "-pyclientexec", str(python)]
    return LocalRun(
        options=["--target", "local", *class_path, *interpreters, *python_options],
        arguments=[local_path(argument) for argument in arguments],
        configuration=configuration,
        environment=variables,
        folders=[*volumes.values(), folder / "checkpoints"],
        jars=jars,
        statements=statements,
        missing=missing,
    )


def _command(job: Job, args: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The options of Flink's Python driver, and the program's own arguments after the program's file."""
    options: list[tuple[str, str]] = []
    rest = list(args)
    while rest and rest[0].startswith(("-py", "--py")):
        flag = rest.pop(0)
        if not rest:
            raise CommandError(f"{job.source.document.file}: spec.job.args: {flag} has no value; add a value")
        options.append((flag, rest.pop(0)))
        if flag in ("-py", "--python", "-pym", "--pyModule"):
            return options, rest
    raise CommandError(
        f"job {job.name} is not a Python job (its arguments contain neither -py nor -pym): "
        "run it with Flink's own `flink run`"
    )


def _require_secrets(job: Job, script: str, environment: Mapping[str, str]) -> None:
    names = [f"{name}/{key}" for name, key in sql_text.secrets(script)]
    if names and "SQL_SECRETS" not in environment:
        raise CommandError(
            f"job {job.name} reads Secrets; write their values to the files {', '.join(names)} of a folder, and set "
            "SQL_SECRETS to the folder"
        )


def module_of(job: Job) -> str:
    """The name that a job's files have: of its Python module or SQL file.

    Raises:
        CommandError: if it is another job.
    """
    return job.name.replace("-", "_") if job.source.sql else program_of(job, arguments_of(job.spec))


def program_of(job: Job, args: Sequence[str]) -> str:
    """The name of the job's Python module.

    Raises:
        CommandError: if it is not a Python job.
    """
    options, _ = _command(job, args)
    return Path(options[-1][1]).stem


def _container(spec: Mapping[str, Any]) -> dict[str, Any]:
    template = cast(dict[str, Any], (spec.get("podTemplate") or {}).get("spec") or {})
    for container in cast(list[dict[str, Any]], template.get("containers") or []):
        if container.get("name") == MAIN_CONTAINER:
            return container
    return {}


def _volumes(container: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The mount path of each volume, and the local folder that replaces it."""
    mounts = cast(list[dict[str, Any]], container.get("volumeMounts") or [])
    return {str(mount["mountPath"]).rstrip("/"): folder / str(mount["name"]) for mount in mounts}


def _local_path(job: Job, text: str, volumes: Mapping[str, Path], *, must_exist: bool) -> str:
    """The local path for a path of the container; other text is unchanged."""
    flag, equals, value = text.partition("=") if text.startswith("--") else ("", "", text)
    scheme = "file://" if value.startswith("file:///") else ""
    path = value.removeprefix(scheme)
    for prefix, folder in {IN_IMAGE: SOURCES, **volumes}.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            local = folder / path.removeprefix(prefix).lstrip("/")
            if must_exist and not local.exists():
                raise CommandError(
                    f"{job.source.document.file}: spec.job.args: {path} maps to {local}, which does not exist; "
                    f"put the files of the image's {IN_IMAGE} into {SOURCES.relative_to(ROOT)}"
                )
            return f"{flag}{equals}{scheme}{local}"
    return text


def _environment(container: Mapping[str, Any], own: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    variables: dict[str, str] = {}
    missing: list[str] = []
    for variable in cast(list[dict[str, Any]], container.get("env") or []):
        name = str(variable["name"])
        if "value" in variable:
            variables[name] = str(variable["value"])
        elif name not in own:
            missing.append(name)
    return variables, missing


def write_configuration(distribution: Path, folder: Path, configuration: Mapping[str, str]) -> None:
    """Write a configuration folder: PyFlink's own, with the job's options.

    Args:
        distribution: Flink's files.
        folder: is deleted and created again.
        configuration: flat.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(distribution / "conf", folder)
    # Flink 2 reads config.yaml, Flink 1 reads flink-conf.yaml if it exists.
    file = next(path for name in ("flink-conf.yaml", "config.yaml") if (path := folder / name).exists())
    shipped = cast(dict[str, object], yaml.safe_load(file.read_text()) or {})
    merged = {**flat(shipped), **configuration}
    file.write_text("".join(_lines(merged, is_yaml=file.name == "config.yaml")))


def _lines(configuration: Mapping[str, object], *, is_yaml: bool) -> Iterator[str]:
    for key, value in sorted(configuration.items()):
        text = yaml.safe_dump({key: value}, width=1 << 30) if is_yaml else f"{key}: {value}\n"
        yield text


def run(job: Job, with_pyflink: PyFlink) -> Path:
    """Run the job until it ends, or until Ctrl-C; returns the folder of its volumes.

    Raises:
        CommandError: if it fails.
    """
    folder = ROOT / "out" / "run" / job.name
    prepared = local_run(job, folder, with_pyflink.python, os.environ)
    if prepared.missing:
        names = ", ".join(prepared.missing)
        raise CommandError(f"a Secret of the cluster sets {names}; for a local run, set them in the environment")
    for volume in prepared.folders:
        volume.mkdir(parents=True, exist_ok=True)
    for jar, url in prepared.jars.items():
        fetch = [java(), "-cp", FETCH_JARS.parent, FETCH_JARS.stem, jar.parent, url]
        must(f"downloading {jar.name}", fetch, remedy="the pods of the job download the same jar")
    for file, text in prepared.statements.items():
        file.write_text(text, encoding="utf-8")
    write_configuration(with_pyflink.distribution, folder / "conf", prepared.configuration)
    environment = {
        **os.environ,
        **prepared.environment,
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LOG_DIR": str(folder / "log"),
        "PATH": f"{with_pyflink.python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    (folder / "log").mkdir(exist_ok=True)
    say(f"-- running {job.name} in a local Flink {with_pyflink.version}: {' '.join(prepared.arguments)}")
    command = [with_pyflink.distribution / "bin" / "flink", "run", *prepared.options, *prepared.arguments]
    must(f"job {job.name}", command, remedy=f"its log is in {folder / 'log'}", env=environment)
    return folder


def flink_version(stack: Stack, job: Job) -> str:
    """The job's Flink version, as the operator writes it; a session job has the version of its cluster.

    Raises:
        CommandError: if no job file sets it.
    """
    spec = cast(dict[str, Any], job.spec)
    for other in stack.platform.jobs:
        if (
            other.name == job.session_cluster
            and other.namespace == job.namespace
            and other.kind == FlinkKind.DEPLOYMENT
        ):
            spec = cast(dict[str, Any], other.spec)
    template = cast(dict[str, Any], spec.get("template") or {})
    version: object = spec.get("flinkVersion") or cast(dict[str, Any], template.get("spec") or {}).get("flinkVersion")
    if version is None:
        raise CommandError(f"no job file sets flinkVersion for {job.name}")
    return str(version)


def run_job(stack: Stack, name: str) -> None:
    """Run a job of a stack in a local Flink.

    Args:
        stack: the stack.
        name: of the job; empty if the stack has only one.

    Raises:
        CommandError: if the job fails or cannot run on this machine.
    """
    job = find_job(stack, name)
    folder = run(job, pyflink(flink_version(stack, job)))
    say(f"{job.name} ended; the contents of its volumes are in {folder.relative_to(ROOT)}")
