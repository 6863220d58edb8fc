"""What a job goes on from: whether it says so, and whether that place outlives its pods."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import versions
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import local_path, locate, qualified
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_STORAGE, SAVEPOINTS, inner_spec

_INTERVAL = "execution.checkpointing.interval"
_RUNTIME_MODE = "execution.runtime-mode"


def check(subject: Subject) -> None:
    """Where a declared job starts from, and whether that place outlives its pods."""
    job, settings = subject.declared, subject.settings
    if job is None or settings is None:
        return
    _restore(subject, job)
    _in_the_pod(subject, job, settings)
    if job_of(job.spec) is None:
        return
    _silent(subject, job, settings)
    if job.keeps_state:
        _strange_cluster(subject, job, settings)


def _restore(subject: Subject, job: Job) -> None:
    own = job.own.restore_from
    if own is None:
        return
    if job_of(job.spec) is None:
        message = f"{job.kind} {job.name} runs no job; say restoreFrom of one that does"
        subject.report("restore-from", ("spec",), message)
    elif not re.match(r"([a-z][a-z0-9+.\-]*://|/)", own):
        message = f'is "{own}", which is no path; write the savepoint\'s own, such as s3://bucket/…/savepoint-1a2b3c'
        subject.report("restore-from", _at(job, "job", "initialSavepointPath"), message)


def _silent(subject: Subject, job: Job, settings: StackSettings) -> None:
    """Whoever says nothing starts over at every change, which nobody notices before there is state to lose."""
    configuration = _configuration(job)
    if settings.state_storage.type == "none" or "upgradeMode" in (job_of(job.spec) or {}):
        return
    # Of one that takes checkpoints the rule `recovery` says it.
    if configuration.get(_RUNTIME_MODE, "").upper() == "BATCH" or _INTERVAL in configuration:
        return
    message = "is not said, so that a changed job starts from nothing; write savepoint or last-state, or stateless"
    subject.report("upgrade-mode", _at(job, "job", "upgradeMode"), message)


def _strange_cluster(subject: Subject, job: Job, settings: StackSettings) -> None:
    if job.kind != "FlinkSessionJob" or subject.cluster is not None or settings.state_storage.type != "volume":
        return
    if any(name in _configuration(job) for name in _names(CHECKPOINTS, settings)):
        return
    message = "keeps state, and its cluster is not declared here: nobody knows what that mounts"
    subject.report(
        "state-storage", ("spec", "deploymentName"), f"{message}; set {CHECKPOINTS} and {SAVEPOINTS} of the job"
    )


def _in_the_pod(subject: Subject, job: Job, settings: StackSettings) -> None:
    """Directories inside of a pod: they are lost with it."""
    pods = subject.cluster if job.kind == "FlinkSessionJob" else job
    configuration = effective(
        _configuration(job), settings.operator.configuration if pods is job else {}, job.namespace, _version(job)
    )
    if pods is None or job.kind == "FlinkStateSnapshot" or configuration.get(_RUNTIME_MODE, "").upper() == "BATCH":
        return
    scheme = {**_configuration(pods), **configuration}.get("fs.default-scheme", "")
    for option in (CHECKPOINTS, SAVEPOINTS, HA_STORAGE):
        names = (name for name in _names(option, settings) if configuration.get(name))
        for name in names:
            directory = qualified(configuration[name], scheme)
            where = _pod_of(inner_spec(pods.kind, pods.spec), directory, option)
            if where:
                message = f"is {configuration[name]}, inside of the {where}'s pod, and is lost with it"
                cure = "mount a claim there, or set stateStorage in the stack file"
                subject.report("state-in-pod", _at(job, "flinkConfiguration", name), f"{message}; {cure}")


def _pod_of(spec: Mapping[str, object], directory: str, option: str) -> str:
    """The process that has the directory in its own pod, empty if none has."""
    if not local_path(directory):
        return ""
    readers = templates(spec)[: 1 if option == HA_STORAGE else None]  # of high availability's data the JobManager
    process = next((one.process for one in readers if not locate(one.pod, directory).lasts), "")
    return process[:1].upper() + process[1:]


def _version(job: Job) -> object:
    return inner_spec(job.kind, job.spec).get("flinkVersion")


def _names(option: str, settings: StackSettings) -> tuple[str, ...]:
    return versions.names(option, settings.operator.version)


def _configuration(job: Job) -> dict[str, str]:
    own = mapping(inner_spec(job.kind, job.spec).get("flinkConfiguration"))
    return {key: str(value) for key, value in own.items()}


def _at(job: Job, *path: str) -> KeyPath:
    return (*(("spec", "template", "spec") if job.kind == "FlinkBlueGreenDeployment" else ("spec",)), *path)
