"""From which state a job continues: whether its spec sets that, and whether the storage outlives the pods."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.restore_request import RestoreRequest
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import local_path, locate, qualified
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_STORAGE, SAVEPOINTS, inner_spec

RESOLVED_LATER = "restore-at-deployment"
"""The rule about a `restoreFrom` that the cluster resolves."""

_INTERVAL = "execution.checkpointing.interval"
_RUNTIME_MODE = "execution.runtime-mode"


def check(subject: Subject) -> None:
    """Check the state that a declared job starts from, and whether its storage outlives the pods."""
    job, settings = subject.declared, subject.settings
    if job is None or settings is None:
        return
    _restore(subject, job)
    _directories_in_pod(subject, job, settings)
    if job_of(job.spec) is None:
        return
    _upgrade_mode(subject, job, settings)
    if job.keeps_state:
        _undeclared_cluster(subject, job, settings)


def _restore(subject: Subject, job: Job) -> None:
    request = job.own.restore_from
    path = _path(job, "job", "initialSavepointPath")
    if request is not None and job_of(job.spec) is None:
        message = f"{job.kind} {job.name} runs no job; set restoreFrom of a job"
        subject.report("restore-from", ("spec",), message)
    elif request is not None:
        try:
            RestoreRequest.parse(request)
        except ValueError as error:
            subject.report("restore-from", path, str(error))
    if job.restore_request is not None:
        message = f'is "{job.restore_request}"; preview and up resolve it to a path in the cluster and print the path'
        subject.report(RESOLVED_LATER, path, message)


def _upgrade_mode(subject: Subject, job: Job, settings: StackSettings) -> None:
    """Report a job without `upgradeMode`: each change starts it from empty state, which is noticed only with state."""
    configuration = _configuration(job)
    if settings.state_storage.type == "none" or "upgradeMode" in (job_of(job.spec) or {}):
        return
    # The rule `job-recovery` reports a job that takes checkpoints.
    if configuration.get(_RUNTIME_MODE, "").upper() == "BATCH" or _INTERVAL in configuration:
        return
    message = "is not set, so each change starts the job from empty state; write savepoint, last-state or stateless"
    subject.report("upgrade-mode", _path(job, "job", "upgradeMode"), message)


def _undeclared_cluster(subject: Subject, job: Job, settings: StackSettings) -> None:
    if job.kind != FlinkKind.SESSION_JOB or subject.cluster is not None or settings.state_storage.type != "volume":
        return
    if any(name in _configuration(job) for name in _names(CHECKPOINTS, settings)):
        return
    message = "names a cluster that this stack does not declare, so the volume for the job's state is unknown"
    subject.report(
        "state-storage", ("spec", "deploymentName"), f"{message}; set {CHECKPOINTS} and {SAVEPOINTS} of the job"
    )


def _directories_in_pod(subject: Subject, job: Job, settings: StackSettings) -> None:
    """Report directories inside of a pod: they are lost with the pod."""
    pods = subject.cluster if job.kind == FlinkKind.SESSION_JOB else job
    configuration = effective(
        _configuration(job), settings.operator.configuration if pods is job else {}, job.namespace, _version(job)
    )
    if pods is None or job.kind == FlinkKind.SNAPSHOT or configuration.get(_RUNTIME_MODE, "").upper() == "BATCH":
        return
    scheme = {**_configuration(pods), **configuration}.get("fs.default-scheme", "")
    for option in (CHECKPOINTS, SAVEPOINTS, HA_STORAGE):
        names = (name for name in _names(option, settings) if configuration.get(name))
        for name in names:
            directory = qualified(configuration[name], scheme)
            process = _pod_of(inner_spec(pods.kind, pods.spec), directory, option)
            if process:
                message = f"is {configuration[name]}, which is inside of the {process}'s pod and is lost with the pod"
                remedy = "mount a claim at that path, or set stateStorage in the stack file"
                subject.report("state-in-pod", _path(job, "flinkConfiguration", name), f"{message}; {remedy}")


def _pod_of(spec: Mapping[str, object], directory: str, option: str) -> str:
    """The process whose pod contains the directory; empty if a volume that outlives the pod does."""
    if not local_path(directory):
        return ""
    pods = templates(spec)[: 1 if option == HA_STORAGE else None]  # only the JobManager reads high-availability data
    process = next((template.process for template in pods if not locate(template.pod, directory).lasts), "")
    return process[:1].upper() + process[1:]


def _version(job: Job) -> object:
    return inner_spec(job.kind, job.spec).get("flinkVersion")


def _names(option: str, settings: StackSettings) -> tuple[str, ...]:
    return versions.names(option, settings.operator.version)


def _configuration(job: Job) -> dict[str, str]:
    own = mapping(inner_spec(job.kind, job.spec).get("flinkConfiguration"))
    return {key: str(value) for key, value in own.items()}


def _path(job: Job, *path: str) -> KeyPath:
    return (*job.kind.spec_path, *path)
