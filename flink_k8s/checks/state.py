"""Where state is stored: the operator's rules for upgrade modes, and rules for incomplete configurations."""

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
"""Plugins for a scheme."""

_PLUGIN_JAR = re.compile(r"(flink-[a-z0-9-]+?)-(\d+\.\d+)(?:\.\d+)*(?:-[A-Za-z0-9.]+)?\.jar")


def check(subject: Subject) -> None:
    """Check upgrade mode, high availability, S3 credentials and plugins of a Flink cluster."""
    if subject.flink_job is not None:
        upgrade_mode(subject)
        if subject.at == ("spec",):  # a blue/green deployment continues from a savepoint
            kept_when_cancelled(subject, in_session=False)
    _high_availability(subject)
    _savepoint_on_deletion(subject)
    _blue_green_savepoint(subject)
    _s3_keys(subject)
    _plugins(subject)


def upgrade_mode(subject: Subject) -> None:
    """Check the settings that the operator requires for an upgrade with state; also for session jobs."""
    job = subject.flink_job or {}
    mode = job.get("upgradeMode", "stateless")
    mode_path = ("job", "upgradeMode")
    operator = versions.operator_version(subject.operator)
    checkpoints, savepoints = directory_key(subject, _CHECKPOINTS), directory_key(subject, _SAVEPOINTS)
    has_savepoints = subject.text(_SAVEPOINTS)
    if mode == "last-state" and operator.last_state_needs_ha and not subject.options.is_highly_available:
        remedy = "set high-availability.type: kubernetes and its storageDir"
        subject.refuse(
            mode_path,
            f"is last-state, for which operator {subject.operator} requires high availability; {remedy}",
        )
    has_checkpoints = subject.text(_CHECKPOINTS)
    if mode == "savepoint" and not has_checkpoints and not has_savepoints:
        remedy = f"set stateStorage in the stack file, or {checkpoints} and {savepoints} of the job"
        subject.refuse(mode_path, f"is savepoint, but no directory for state is set; {remedy}")
        return
    if mode != "stateless" and not has_checkpoints:
        remedy = f"set stateStorage in the stack file, or {checkpoints} of the job"
        subject.refuse(mode_path, f"is {mode}, but no checkpoint directory is set; {remedy}")
    if has_savepoints:
        return
    age = _max_age(subject)
    if mode == "savepoint":
        subject.refuse(mode_path, f"is savepoint, but no savepoint directory is set; set {savepoints}")
    elif job.get("savepointTriggerNonce") is not None:
        subject.refuse(("job", "savepointTriggerNonce"), f"requires a savepoint directory; set {savepoints}")
    elif (periodic := subject.option(_PERIODIC)) is not None:
        subject.report_option(periodic[0], f"requires a savepoint directory; set {savepoints}")
    elif age is not None:
        subject.report_option(age, f"requires a savepoint directory; set {savepoints}")


def kept_when_cancelled(subject: Subject, *, in_session: bool) -> None:
    """Report that Flink deletes the checkpoint which a `last-state` job would continue from.

    For `last-state` the operator cancels a session job, a job without high availability, and a job that requests it.
    """
    retention = subject.options.deleting_retention
    if retention is None or (subject.flink_job or {}).get("upgradeMode") != "last-state":
        return
    if versions.operator_version(subject.operator).last_state_needs_ha:
        return  # such operators never cancel a job for last-state
    if in_session or not subject.options.is_highly_available or subject.text(JOB_CANCEL).lower() == "true":
        problem = (
            f"is {retention[1]}, but the operator cancels this job for last-state, so Flink deletes the checkpoint that"
            " the job would continue from"
        )
        message = f"{problem}; write RETAIN_ON_CANCELLATION, or upgradeMode: savepoint"
        subject.report_spec("state-storage", ("flinkConfiguration", retention[0]), message)


def directory_key(subject: Subject, key: str) -> str:
    """The name of a directory option that the Flink version and the operator's own Flink version read."""
    return versions.key_of(key, subject.operator, subject.flink_version)


def _max_age(subject: Subject) -> str | None:
    max_age = subject.option(_MAX_AGE)
    if max_age is None:
        return None
    try:
        duration(max_age[1])
    except ValueError as error:
        subject.report_option(max_age[0], f'is "{max_age[1]}"; {error}')
        return None
    return max_age[0]


def _high_availability(subject: Subject) -> None:
    storage = subject.option("high-availability.storageDir")
    if subject.options.is_highly_available and (storage is None or not storage[1].strip()):
        ha_type = subject.option("high-availability.type")
        key = ha_type[0] if ha_type else "high-availability.type"
        path = ("flinkConfiguration", key)
        subject.report_spec(
            "state-storage",
            path,
            "enables high availability without a directory for its data; set high-availability.storageDir",
        )
    elif storage is not None and not subject.options.is_highly_available:
        path = ("flinkConfiguration", storage[0])
        problem = "has no effect, because high availability is not enabled"
        message = f"{problem}; set high-availability.type: kubernetes, or remove it"
        subject.report_spec("unused-setting", path, message)


def _savepoint_on_deletion(subject: Subject) -> None:
    """Report a savepoint on deletion without a directory: the operator accepts it, but cannot delete the job."""
    option = subject.option(SAVEPOINT_ON_DELETION)
    is_on = option is not None and option[1].lower() == "true"
    if option and is_on and subject.flink_job is not None and not subject.text(_SAVEPOINTS):
        remedy = f"set {directory_key(subject, _SAVEPOINTS)}, or savepointOnDeletion: false"
        message = f"requires a savepoint directory; {remedy}"
        subject.report_spec("state-storage", ("flinkConfiguration", option[0]), message)


def _blue_green_savepoint(subject: Subject) -> None:
    """Report a savepoint on deletion of a blue/green deployment.

    Its FlinkDeployments are deleted before it, and Kubernetes deletes their JobManagers first.
    """
    option = subject.option(SAVEPOINT_ON_DELETION)
    if option is not None and option[1].lower() == "true" and subject.at == ("spec", "template", "spec"):
        message = "has no effect for a blue/green deployment, whose JobManager is deleted first"
        remedy = "take a FlinkStateSnapshot before the deletion, and set savepointOnDeletion: false"
        subject.report_spec("job-recovery", ("flinkConfiguration", option[0]), f"{message}; {remedy}")


def _s3_keys(subject: Subject) -> None:
    """Report one of two S3 keys without the other."""
    for access, secret in (("s3.access-key", "s3.secret-key"), ("s3.access.key", "s3.secret.key")):
        for key, other in ((access, secret), (secret, access)):
            if key in subject.options.configuration and other not in subject.options.configuration:
                message = f"is set without {other}; set both or none"
                subject.report_spec("state-storage", ("flinkConfiguration", key), message)


def _plugins(subject: Subject) -> None:
    """Report file systems without a plugin if the image is Flink's own, and plugins of another Flink version."""
    plugins = _environment(subject).get("ENABLE_BUILT_IN_PLUGINS")
    for jar in (plugins or "").replace(",", ";").split(";"):
        match = _PLUGIN_JAR.fullmatch(jar.strip())
        if match and subject.flink_version and match.group(2) != subject.flink_version:
            version = subject.spec["flinkVersion"]
            message = f"loads {jar.strip()}, but flinkVersion is {version}; use the plugin of that version"
            subject.report_spec("file-system-plugin", ("podTemplate",), message)
    image = subject.effective_job.image
    is_flinks_own = image is not None and re.search(r"(^|/)flink:", image.text)
    if plugins is None and not is_flinks_own:
        return  # other images may contain any plugin
    jar = mapping(subject.spec.get("job")).get("jarURI")
    locations = [(("job", "jarURI"), jar)] if isinstance(jar, str) else []
    for key in (_CHECKPOINTS, _SAVEPOINTS, "high-availability.storageDir"):
        option = subject.option(key)
        locations += [(("flinkConfiguration", option[0]), option[1])] if option else []
    for path, location in locations:
        plugin = _PLUGINS.get(location.partition("://")[0].strip())
        if not plugin or any(name in (plugins or "") for name in plugin.split(" or ")):
            continue
        if plugins is None:
            remedy = f"set ENABLE_BUILT_IN_PLUGINS to the jar of {plugin}"
            message = f"is {location}, for which Flink's image requires a plugin; {remedy}"
        elif is_flinks_own:
            message = f"is {location}, but ENABLE_BUILT_IN_PLUGINS is {plugins}; add the jar of {plugin}"
        else:
            continue
        subject.report_spec("file-system-plugin", path, message)


def _environment(subject: Subject) -> dict[str, str]:
    """Environment variables with a plain value in the shared pod template and the templates of both processes."""
    variables: dict[str, str] = {}
    holders = [subject.spec, mapping(subject.spec.get("jobManager")), mapping(subject.spec.get("taskManager"))]
    for holder in holders:
        containers = mapping(mapping(holder.get("podTemplate")).get("spec")).get("containers")
        for container in listed(containers):
            for variable in listed(mapping(container).get("env")):
                name, value = mapping(variable).get("name"), mapping(variable).get("value")
                if isinstance(value, str):
                    variables[str(name)] = value
    return variables
