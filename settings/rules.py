"""What is known to be wrong before a cluster is asked: pairs of versions, the operator's refusals, the graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import cast

from settings import versions
from settings.jobs import Job, job_of
from settings.model import StackSettings
from settings.problems import KeyPath, Problem, nearest
from settings.stack_file import StackConfig

Say = Callable[[KeyPath, str], None]
"""Takes a path in the manifest and what is wrong there."""

_JOB_NAME = re.compile(r"[a-z]([-a-z\d]{0,43}[a-z\d])?")
_FORBIDDEN_KEYS = ("kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id")
_MEMORY = re.compile(r"\s*\d+(\.\d+)?\s*([a-zA-Z]*)\s*")

CHART_CONFIGURATION_KEYS = {
    "taskmanager.numberOfTaskSlots": "set it in jobDefaults.flinkConfiguration",
    "parallelism.default": "set jobDefaults.parallelism",
    "kubernetes.operator.watched.namespaces": "it follows from namespaces",
    "kubernetes.operator.health.probe.enabled": "set operator.values.operatorHealth",
    "kubernetes.operator.health.probe.port": "set operator.values.operatorHealth",
}
"""Keys that the operator's chart writes itself: twice in one config.yaml, and the operator does not start."""


def stack_problems(settings: StackSettings, config: StackConfig) -> list[Problem]:
    """Problems of the stack config as a whole."""
    problems: list[Problem] = []
    known = versions.OPERATORS
    if settings.operator.version not in known:
        near = nearest(settings.operator.version, list(known))
        problems.append(
            config.problem(("operator", "version"), f'"{settings.operator.version}" is not known here; {near}')
        )
    for key in settings.operator.configuration:
        if key in CHART_CONFIGURATION_KEYS:
            message = f"is written by the operator's chart itself; {CHART_CONFIGURATION_KEYS[key]}"
            problems.append(config.problem(("operator", "configuration", key), message))
    owners: dict[str, str] = dict.fromkeys(settings.namespaces, "namespaces")
    for key, part in (
        ("certManager", settings.cert_manager),
        ("prometheus", settings.prometheus),
        ("operator", settings.operator),
    ):
        if part.enabled and part.namespace in owners:
            message = f'"{part.namespace}" belongs to {owners[part.namespace]} already; give it a namespace of its own'
            problems.append(config.problem((key, "namespace"), message))
        if part.enabled:
            owners[part.namespace] = key
    return problems


def job_problems(job: Job, settings: StackSettings) -> list[Problem]:
    """Problems of one merged job, in the place of its file where the value comes from or would stand."""
    problems: list[Problem] = []

    def say(path: KeyPath, message: str) -> None:
        problems.append(job.source.problem(path, message))

    if not _JOB_NAME.fullmatch(job.name):
        say(
            ("metadata", "name"),
            f'"{job.name}" is refused by the operator; use a lower-case letter, then letters, digits and -, 45 at most',
        )
    if job.kind == "FlinkDeployment":
        _deployment_problems(job.spec, ("spec",), settings, say)
    elif job.kind == "FlinkBlueGreenDeployment":
        template = job.spec.get("template")
        inner = cast(dict[str, object], template).get("spec") if isinstance(template, dict) else None
        if isinstance(inner, dict):
            _deployment_problems(cast(dict[str, object], inner), ("spec", "template", "spec"), settings, say)
        else:
            say(("spec", "template", "spec"), "is missing; it holds the spec of both deployments")
    elif job.kind == "FlinkSessionJob":
        if not job.session_cluster:
            say(("spec", "deploymentName"), "is missing; name the FlinkDeployment that runs the job")
        if job_of(job.spec) is None:
            say(("spec", "job"), "is missing; a session job needs one")
    return problems


def _deployment_problems(spec: dict[str, object], at: KeyPath, settings: StackSettings, say: Say) -> None:
    version = spec.get("flinkVersion")
    operator = versions.OPERATORS.get(settings.operator.version)
    if version is None:
        say((*at, "flinkVersion"), "is missing; write Flink's version, such as v2_2")
    elif operator is not None and version not in operator.flink:
        known = nearest(str(version), operator.flink)
        say((*at, "flinkVersion"), f"is {version}, which operator {settings.operator.version} does not take; {known}")
    configuration = cast(dict[str, object], spec.get("flinkConfiguration") or {})
    for key in _FORBIDDEN_KEYS:
        if key in configuration:
            say((*at, "flinkConfiguration", key), "is the operator's own; remove it")
    for process in ("jobManager", "taskManager"):
        _process_problems(process, spec, configuration, at, say)
    job = job_of(spec)
    if job is not None:
        parallelism = job.get("parallelism")
        if isinstance(parallelism, int) and parallelism < 1:
            say((*at, "job", "parallelism"), f"is {parallelism}; at least 1 is needed")


def _process_problems(
    process: str, spec: dict[str, object], configuration: dict[str, object], at: KeyPath, say: Say
) -> None:
    part = spec.get(process)
    fields = cast(dict[str, object], part) if isinstance(part, dict) else {}
    resource = fields.get("resource")
    memory = cast(dict[str, object], resource).get("memory") if isinstance(resource, dict) else None
    limits = fields.get("resources")
    if memory is None and isinstance(limits, dict):
        return
    size_keys = (f"{process.lower()}.memory.process.size", f"{process.lower()}.memory.flink.size")
    if memory is None and not any(key in configuration for key in size_keys):
        say((*at, process, "resource", "memory"), "is missing; the operator needs it, such as 2048m")
    elif memory is not None and not _is_memory(str(memory)):
        say((*at, process, "resource", "memory"), f"is {memory}, which is no size; write it like 2048m or 4g")


_MEMORY_UNITS = frozenset(
    ["", "b", "bytes", "k", "kb", "kibibytes", "m", "mb", "mebibytes", "g", "gb", "gibibytes", "t", "tb", "tebibytes"]
)


def _is_memory(text: str) -> bool:
    match = _MEMORY.fullmatch(text)
    return match is not None and match.group(2).lower() in _MEMORY_UNITS


def graph_problems(jobs: Iterable[Job]) -> list[Problem]:
    """Session jobs without their cluster, snapshots without their job."""
    jobs = list(jobs)
    known = {(job.kind, job.namespace, job.name): job for job in jobs}
    problems: list[Problem] = []
    for job in jobs:
        cluster = job.session_cluster
        if cluster is not None:
            target = known.get(("FlinkDeployment", job.namespace, cluster))
            if target is None:
                names = [j.name for j in jobs if j.kind == "FlinkDeployment" and j.namespace == job.namespace]
                message = (
                    f'"{cluster}" is no FlinkDeployment of namespace {job.namespace} here; {nearest(cluster, names)}'
                )
                problems.append(job.source.problem(("spec", "deploymentName"), message))
            elif job_of(target.spec) is not None:
                message = f'"{cluster}" runs a job of its own; a session cluster has no job in its spec'
                problems.append(job.source.problem(("spec", "deploymentName"), message))
    return problems
