"""The copies of jobs that a restore drill runs: where they run, and what differs from their originals.

A copy restores the state of its original, and must write neither to its state nor to its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import Drill, JobSettings, StackSettings
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION, in_template, restored_from
from flink_k8s.resolve.sources import ConfigSource
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_TYPE, HEALTH_CHECK, SAVEPOINTS

DRILLED_BY = "make restore-drill"
"""The last source of a copy."""

SUFFIX = "-drill"

DIRECTORY = "file:///tmp/flink-k8s-drill"
"""A directory inside of each pod: it is deleted with the pod, and no other pod can read it."""

_COPIED_KINDS = frozenset(
    {
        "ConfigMap",
        "ExternalSecret",
        "PersistentVolumeClaim",
        "Role",
        "RoleBinding",
        "Secret",
        "SecretStore",
        "ServiceAccount",
    }
)
"""Kinds of job files that pods may need. Others are not copied: they run code, or expose it."""

_DIRECTORIES = (
    "dstl.dfs.base-path",
    "jobmanager.archive.fs.dir",
    "state.backend.forst.primary-dir",
    "state.changelog.dstl.dfs.base-path",
)
"""Options for other directories that a job writes to, if they are set."""

_BACKLOG_INTERVAL = "execution.checkpointing.interval-during-backlog"

_ONE_START = {
    # The operator would restart a failed copy without its state, and the drill would succeed.
    "kubernetes.operator.jm-deployment-recovery.enabled": "false",
    "kubernetes.operator.job.restart.failed": "false",
    HEALTH_CHECK: "false",
    "job.autoscaler.enabled": "false",
    SAVEPOINT_ON_DELETION: "false",
    # All starts of a job with a fixed id write to the same directory.
    "$internal.pipeline.job-id": None,
}


def namespace_of_copy(namespace: str) -> str:
    """The namespace of the copies of a namespace's jobs."""
    return f"{namespace}{SUFFIX}"


def path_of_copy(source: FileObject, namespace: str, settings: StackSettings) -> str | None:
    """The path that the copy of an object restores; None if a drill does not copy the object.

    It is empty for a session cluster, and for an object that is not a job.

    Args:
        source: the object in its job file.
        namespace: of the original.
        settings: of the stack; without a drill, no object is copied.
    """
    copied = settings.restore_drill.jobs
    if source.is_job:
        return copied.get(f"{source.kind}/{namespace}/{source.name}")
    return "" if source.kind in _COPIED_KINDS and namespace in {key.split("/")[1] for key in copied} else None


def source_of_copy(
    kind: FlinkKind,
    path: str,
    drill: Drill | None,
    configuration: Mapping[str, str],
    operator: str,
    flink_version: object,
) -> ConfigSource:
    """The last source of a copy's spec.

    The copy has no high availability, and its directories are inside of its pods. It takes no checkpoint unless its
    code sets the interval, so exactly-once sinks publish nothing. It does not own the restored files, so it never
    deletes them.

    Args:
        kind: of the resource.
        path: that it restores; empty for a session cluster.
        drill: of its settings.
        configuration: of the original, with the operator's defaults.
        operator: version of the operator.
        flink_version: `v2_2`.
    """

    def key_of(option: str) -> str:
        return versions.key_of(option, operator, short_version(flink_version))

    options: dict[str, object] = {
        key_of(HA_TYPE): "NONE",
        key_of(CHECKPOINTS): f"{DIRECTORY}/checkpoints",
        key_of(SAVEPOINTS): f"{DIRECTORY}/savepoints",
        key_of("execution.state-recovery.claim-mode"): "NO_CLAIM",
        "execution.checkpointing.interval": "365 d",
        # Flink refuses a value below the interval, except zero.
        **({_BACKLOG_INTERVAL: "0 s"} if configuration.get(_BACKLOG_INTERVAL) else {}),
        **{key: f"{DIRECTORY}/{key}" for key in _DIRECTORIES if configuration.get(key)},
        **_ONE_START,
    }
    spec: dict[str, object] = {"flinkConfiguration": options}
    if kind.has_pods:
        # Flink has no standby JobManagers without high availability.
        spec["jobManager"] = {"replicas": 1}
    if path:
        job: dict[str, object] = {**restored_from(path), "state": "running", "upgradeMode": "stateless"}
        if drill is not None and drill.allow_non_restored_state:
            job["allowNonRestoredState"] = True
        spec["job"] = job
    spec = in_template(kind, spec)
    if kind.has_pods:
        spec["ingress"] = None
    parameters = JobSettings(parameters=drill.parameters) if drill is not None else None
    return ConfigSource(DRILLED_BY, spec, settings=parameters)
