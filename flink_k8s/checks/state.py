"""Where state goes: the operator's rules for upgrade modes, and ours for a configuration that is half there."""

from __future__ import annotations

import re

from flink_k8s.checks.subject import Subject
from flink_k8s.facts import versions
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import duration
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.resolve.operator_configuration import JOB_CANCEL

_CHECKPOINTS = "execution.checkpointing.dir"
_SAVEPOINTS = "execution.checkpointing.savepoint-dir"
_PERIODIC = "kubernetes.operator.periodic.savepoint.interval"
_MAX_AGE = "kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age"

_PLUGINS = {
    "s3": "flink-s3-fs-presto or flink-s3-fs-hadoop or flink-s3-fs-native",
    "s3p": "flink-s3-fs-presto",
    "s3a": "flink-s3-fs-hadoop or flink-s3-fs-native",
    "abfs": "flink-azure-fs-hadoop",
    "abfss": "flink-azure-fs-hadoop",
    "wasb": "flink-azure-fs-hadoop",
    "wasbs": "flink-azure-fs-hadoop",
    "gs": "flink-gs-fs-hadoop",
    "oss": "flink-oss-fs-hadoop",
}
"""The plugin that reads a scheme."""

_PLUGIN_JAR = re.compile(r"(flink-[a-z0-9-]+?)-(\d+\.\d+)(?:\.\d+)*(?:-[A-Za-z0-9.]+)?\.jar")


def check(subject: Subject) -> None:
    """Upgrade mode, high availability, S3 credentials and plugins of a Flink cluster."""
    if subject.flink_job is not None:
        upgrade_mode(subject)
        if subject.at == ("spec",):  # a blue/green deployment goes on from a savepoint
            kept_when_cancelled(subject, in_session=False)
    _half_high_availability(subject)
    _half_savepoint_on_deletion(subject)
    _saved_in_vain(subject)
    _half_s3(subject)
    _plugins(subject)


def upgrade_mode(subject: Subject) -> None:
    """What the operator wants before it keeps state over an upgrade; for session jobs too."""
    job = subject.flink_job or {}
    mode = job.get("upgradeMode", "stateless")
    say_mode = ("job", "upgradeMode")
    operator = versions.OPERATORS.get(subject.operator)
    checkpoints, savepoints = directory_key(subject, _CHECKPOINTS), directory_key(subject, _SAVEPOINTS)
    has_savepoints = subject.text(_SAVEPOINTS)
    if (
        mode == "last-state"
        and operator is not None
        and operator.last_state_needs_ha
        and not subject.options.is_highly_available
    ):
        cure = "set high-availability.type: kubernetes and its storageDir"
        subject.refuse(
            say_mode,
            f"is last-state, for which operator {subject.operator} needs high availability; {cure}",
        )
    has_checkpoints = subject.text(_CHECKPOINTS)
    if mode == "savepoint" and not has_checkpoints and not has_savepoints:
        cure = f"set stateStorage in the stack file, or {checkpoints} and {savepoints} of the job"
        subject.refuse(say_mode, f"is savepoint, and there is no place for its state; {cure}")
        return
    if mode != "stateless" and not has_checkpoints:
        cure = f"set stateStorage in the stack file, or {checkpoints} of the job"
        subject.refuse(say_mode, f"is {mode} without a checkpoint directory; {cure}")
    if has_savepoints:
        return
    age = _max_age(subject)
    if mode == "savepoint":
        subject.refuse(say_mode, f"is savepoint without a savepoint directory; set {savepoints}")
    elif job.get("savepointTriggerNonce") is not None:
        subject.refuse(("job", "savepointTriggerNonce"), f"needs a savepoint directory; set {savepoints}")
    elif (periodic := subject.option(_PERIODIC)) is not None:
        subject.report_option(periodic[0], f"needs a savepoint directory; set {savepoints}")
    elif age is not None:
        subject.report_option(age, f"needs a savepoint directory; set {savepoints}")


def kept_when_cancelled(subject: Subject, *, in_session: bool) -> None:
    """For the last state the operator cancels a job that is in a session, or has no high availability, or wants it."""
    operator, said = versions.OPERATORS.get(subject.operator), subject.options.deleting_retention
    if said is None or (subject.flink_job or {}).get("upgradeMode") != "last-state":
        return
    if operator is None or operator.last_state_needs_ha:
        return  # one that never cancels for it
    if in_session or not subject.options.is_highly_available or subject.text(JOB_CANCEL).lower() == "true":
        why = "and for last-state the operator cancels this job: Flink deletes the checkpoint that it is to go on from"
        cure = "write RETAIN_ON_CANCELLATION, or upgradeMode: savepoint"
        subject.report_spec("state-storage", ("flinkConfiguration", said[0]), f"is {said[1]}, {why}; {cure}")


def directory_key(subject: Subject, key: str) -> str:
    """The name by which the Flink version, and the operator's own Flink, know a directory option."""
    return versions.key_of(key, subject.operator, subject.flink_version)


def _max_age(subject: Subject) -> str | None:
    said = subject.option(_MAX_AGE)
    if said is None:
        return None
    try:
        duration(said[1])
    except ValueError as error:
        subject.report_option(said[0], f'is "{said[1]}"; {error}')
        return None
    return said[0]


def _half_high_availability(subject: Subject) -> None:
    storage = subject.option("high-availability.storageDir")
    if subject.options.is_highly_available and (storage is None or not storage[1].strip()):
        said = subject.option("high-availability.type")
        key = said[0] if said else "high-availability.type"
        path = ("flinkConfiguration", key)
        subject.report_spec(
            "state-storage",
            path,
            "turns high availability on with no place for its data; set high-availability.storageDir",
        )
    elif storage is not None and not subject.options.is_highly_available:
        path = ("flinkConfiguration", storage[0])
        message = "has no effect: high availability is not on; set high-availability.type: kubernetes, or remove it"
        subject.report_spec("unused-setting", path, message)


def _half_savepoint_on_deletion(subject: Subject) -> None:
    """The operator does not look: a job without a place for the savepoint cannot be deleted then."""
    said = subject.option(SAVEPOINT_ON_DELETION)
    is_on = said is not None and said[1].lower() == "true"
    if said and is_on and subject.flink_job is not None and not subject.text(_SAVEPOINTS):
        cure = f"set {directory_key(subject, _SAVEPOINTS)}, or savepointOnDeletion: false"
        subject.report_spec("state-storage", ("flinkConfiguration", said[0]), f"has no place for its savepoint; {cure}")


def _saved_in_vain(subject: Subject) -> None:
    """Its FlinkDeployments have to be gone before it is, and then Kubernetes takes their JobManagers first."""
    said = subject.option(SAVEPOINT_ON_DELETION)
    if said is not None and said[1].lower() == "true" and subject.at == ("spec", "template", "spec"):
        message = "takes no savepoint of a blue/green deployment: its JobManager goes first"
        cure = "write a FlinkStateSnapshot before, and savepointOnDeletion: false"
        subject.report_spec("job-recovery", ("flinkConfiguration", said[0]), f"{message}; {cure}")


def _half_s3(subject: Subject) -> None:
    """Two keys that only work together."""
    for access, secret in (("s3.access-key", "s3.secret-key"), ("s3.access.key", "s3.secret.key")):
        for one, other in ((access, secret), (secret, access)):
            if one in subject.options.configuration and other not in subject.options.configuration:
                message = f"is set without {other}; set both or none"
                subject.report_spec("state-storage", ("flinkConfiguration", one), message)


def _plugins(subject: Subject) -> None:
    """File systems without a plugin where the image is Flink's own, and plugins of another Flink version."""
    built_in = _environment(subject).get("ENABLE_BUILT_IN_PLUGINS")
    for jar in (built_in or "").replace(",", ";").split(";"):
        match = _PLUGIN_JAR.fullmatch(jar.strip())
        if match and subject.flink_version and match.group(2) != subject.flink_version:
            version = subject.spec["flinkVersion"]
            message = f"names {jar.strip()} where flinkVersion is {version}; take the plugin of that version"
            subject.report_spec("file-system-plugin", ("podTemplate",), message)
    is_flinks_own = re.search(r"(^|/)flink:", str(subject.spec.get("image") or ""))
    if built_in is None and not is_flinks_own:
        return  # other images may hold what they like
    for key in (_CHECKPOINTS, _SAVEPOINTS, "high-availability.storageDir"):
        said = subject.option(key)
        plugin = _PLUGINS.get(said[1].partition("://")[0].strip()) if said else None
        if not said or not plugin or any(name in (built_in or "") for name in plugin.split(" or ")):
            continue
        if built_in is None:
            cure = f"set ENABLE_BUILT_IN_PLUGINS to the jar of {plugin}"
            message = f"is {said[1]}, which Flink's own image reads with a plugin alone; {cure}"
        elif is_flinks_own:
            message = f"is {said[1]}, and ENABLE_BUILT_IN_PLUGINS is {built_in}; add the jar of {plugin}"
        else:
            continue
        subject.report_spec("file-system-plugin", ("flinkConfiguration", said[0]), message)


def _environment(subject: Subject) -> dict[str, str]:
    """Plain environment variables of Flink's container, of the shared template and both processes'."""
    found: dict[str, str] = {}
    holders = [subject.spec, mapping(subject.spec.get("jobManager")), mapping(subject.spec.get("taskManager"))]
    for holder in holders:
        containers = mapping(mapping(holder.get("podTemplate")).get("spec")).get("containers")
        for container in listed(containers):
            for variable in listed(mapping(container).get("env")):
                name, value = mapping(variable).get("name"), mapping(variable).get("value")
                if isinstance(value, str):
                    found[str(name)] = value
    return found
