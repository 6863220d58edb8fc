"""Changes of a job's resource with their effects: the table for the tests of `make plan`.

tests/unit/plan tests the effects; tests/e2e/test_spec_change_agreement.py compares the underlying tables with the
operator's own classes.
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flink_k8s.plan.effects import Effect
from tests.e2e.validator.corpus import GONE, patched, resource

BOTH = ("1.7.0", "1.16.1")
NEW = ("1.16.1",)
OLD = ("1.7.0",)

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One change.

    Attributes:
        title: what is changed.
        old: resource before.
        new: resource after.
        effect: what happens.
        loses: whether state is lost.
        `says`: a part of a note or of the loss.
        operators: the versions that it holds for.
        defaults: the operator's own configuration.
    """

    title: str
    old: Manifest
    new: Manifest
    effect: Effect
    loses: bool = False
    says: str = ""
    operators: tuple[str, ...] = BOTH
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def compares(self) -> str:
        """The kind of spec that the operator compares."""
        return "FlinkSessionJob" if self.new["kind"] == "FlinkSessionJob" else "FlinkDeployment"

    def old_spec(self) -> Manifest:
        return _spec(self.old)

    def new_spec(self) -> Manifest:
        return _spec(self.new)


def _spec(manifest: Manifest) -> Manifest:
    spec = manifest["spec"]
    return spec["template"]["spec"] if manifest["kind"] == "FlinkBlueGreenDeployment" else spec


STATE = {
    "conf:high-availability.type": "kubernetes",
    "conf:high-availability.storageDir": "file:///state/ha",
    "conf:state.checkpoints.dir": "file:///state/checkpoints",
    "conf:state.savepoints.dir": "file:///state/savepoints",
    "conf:execution.checkpointing.interval": "1 min",
}

BUCKET = {
    **STATE,
    "conf:high-availability.storageDir": "s3://state/ha",
    "conf:state.checkpoints.dir": "s3://state/checkpoints",
    "conf:state.savepoints.dir": "s3://state/savepoints",
}


VOLUME = {
    "volumes": [{"name": "s", "persistentVolumeClaim": {"claimName": "state"}}],
    "containers": [{"name": "flink-main-container", "volumeMounts": [{"name": "s", "mountPath": "/state"}]}],
}
ELSEWHERE = {**VOLUME, "volumes": [{"name": "s", "persistentVolumeClaim": {"claimName": "other"}}]}
ON_A_CLAIM = {"spec.podTemplate.spec": VOLUME}


def batch(**patch: Any) -> Manifest:
    """A stateless job."""
    spec: Manifest = {
        "image": "shop/orders:1",
        "flinkVersion": "v1_19",
        "serviceAccount": "flink",
        "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
        "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2g", "cpu": 2}},
        "podTemplate": {
            "spec": {"containers": [{"name": "flink-main-container", "env": [{"name": "A", "value": "1"}]}]}
        },
        "job": {
            "jarURI": "local:///opt/flink/job.jar",
            "args": ["--a", "b"],
            "parallelism": 2,
            "upgradeMode": "stateless",
        },
    }
    return patched(resource("FlinkDeployment", spec, "orders"), patch)


def streaming(mode: str = "savepoint", **patch: Any) -> Manifest:
    """A job with state below /state: high availability, checkpoints, savepoints. Nothing is mounted there."""
    return patched(patched(batch(), {**STATE, "spec.job.upgradeMode": mode}), patch)


def stateful(mode: str = "savepoint", **patch: Any) -> Manifest:
    """The same with its state in a bucket."""
    return patched(streaming(mode, **BUCKET), patch)


def mounted(mode: str = "savepoint", **patch: Any) -> Manifest:
    """The same with its state on a claim."""
    return patched(streaming(mode, **ON_A_CLAIM), patch)


def on(manifest: Manifest, patch: Mapping[str, Any]) -> Manifest:
    """The manifest with that laid on."""
    return patched(manifest, patch)


def session_job(mode: str = "savepoint", **patch: Any) -> Manifest:
    """A job of the session cluster `cluster`."""
    spec: Manifest = {
        "deploymentName": "cluster",
        "flinkConfiguration": {},
        "job": {"jarURI": "https://example.org/job.jar", "parallelism": 2, "upgradeMode": mode},
    }
    manifest = resource("FlinkSessionJob", spec, "visits")
    return patched(patched(manifest, BUCKET if mode != "stateless" else {}), patch)


def session_cluster(**patch: Any) -> Manifest:
    """A session cluster."""
    manifest = patched(batch(), {"spec.job": GONE})
    manifest["metadata"]["name"] = "cluster"
    return patched(manifest, patch)


def blue_green(mode: str = "savepoint", **patch: Any) -> Manifest:
    """A blue/green deployment of the streaming job."""
    inner = stateful(mode, **patch)
    return resource("FlinkBlueGreenDeployment", {"configuration": {}, "template": {"spec": inner["spec"]}}, "orders")


def _changes(base: Manifest, patch: Mapping[str, Any], effect: Effect, *rest: Any, **named: Any) -> Case:
    title = ", ".join(f"{place}={'-' if value is GONE else value}" for place, value in patch.items())
    mode = _spec(base).get("job", {}).get("upgradeMode", "session cluster")
    return Case(f"{base['kind']} {mode}: {title}"[:160], base, on(base, patch), effect, *rest, **named)


BATCH, SAVEPOINT, LAST = batch(), stateful(), stateful("last-state")
STATELESS_WITH_STATE = stateful("stateless")
SUSPENDED = {"spec.job.state": "suspended"}
NO_HA = {"conf:high-availability.type": GONE, "conf:high-availability.storageDir": GONE}
JOB_CANCEL = {"conf:kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"}
RETENTION = "conf:execution.checkpointing.externalized-checkpoint-retention"
DELETED = {RETENTION: "DELETE_ON_CANCELLATION"}
ADAPTIVE = {"conf:jobmanager.scheduler": "adaptive", "conf:pipeline.jobvertex-parallelism-overrides": "a:1,b:1"}
OVERRIDES = "conf:pipeline.jobvertex-parallelism-overrides"
STANDALONE = {"spec.mode": "standalone"}
REACTIVE = {**STANDALONE, "conf:scheduler-mode": "reactive"}
IMAGE = {"spec.image": "shop/orders:2"}
REDEPLOY = {"spec.job.initialSavepointPath": "s3://b/s", "spec.job.savepointRedeployNonce": 1}
"""What a changed `restoreFrom` makes."""

CASES: list[Case] = [
    # Nothing, and what the operator does not look at.
    _changes(SAVEPOINT, {"metadata.labels": {"a": "b"}}, Effect.METADATA),
    _changes(SAVEPOINT, {"spec.job.state": "running"}, Effect.METADATA),
    _changes(SAVEPOINT, {"spec.jobManager.replicas": 1}, Effect.METADATA),
    _changes(SAVEPOINT, {"spec.image": "shop/orders:1"}, Effect.METADATA),
    _changes(SAVEPOINT, {"conf:taskmanager.numberOfTaskSlots": 2}, Effect.METADATA),
    _changes(SAVEPOINT, {"spec.job.upgradeMode": "last-state"}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"spec.job.upgradeMode": "stateless"}, Effect.NO_RESTART, says="it starts empty at each later restart"),
    _changes(SAVEPOINT, {"spec.job.initialSavepointPath": "s3://b/s"}, Effect.NO_RESTART, says="savepointRedeployNonce"),
    _changes(SAVEPOINT, {"spec.job.savepointTriggerNonce": 7}, Effect.NO_RESTART, says="a savepoint is taken"),
    _changes(SAVEPOINT, {"spec.job.checkpointTriggerNonce": 7}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"spec.job.autoscalerResetNonce": 7}, Effect.NO_RESTART, operators=NEW),
    _changes(SAVEPOINT, {"conf:kubernetes.operator.job.restart.failed": "true"}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"conf:job.autoscaler.enabled": "true"}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"conf:job.autoscaler.vertex.max-parallelism": "32"}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"conf:parallelism.default": "4"}, Effect.NO_RESTART),
    _changes(SAVEPOINT, {"spec.job.allowNonRestoredState": True}, Effect.NO_RESTART, True, "dropped at the next restart"),
    _changes(BATCH, {"spec.job.allowNonRestoredState": True}, Effect.NO_RESTART),
    _changes(on(SAVEPOINT, {"spec.restartNonce": 1}), {"spec.restartNonce": GONE}, Effect.METADATA, operators=NEW),
    _changes(on(SAVEPOINT, {"spec.restartNonce": 1}), {"spec.restartNonce": GONE}, Effect.FROM_SAVEPOINT, operators=OLD),
    # Restarts by savepoint.
    _changes(SAVEPOINT, IMAGE, Effect.FROM_SAVEPOINT, says="its code changes"),
    _changes(SAVEPOINT, {"spec.job.parallelism": 4}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.taskManager.resource.memory": "4g"}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.taskManager.resource.cpu": 3}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.taskManager.replicas": 3}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.jobManager.replicas": 2}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.restartNonce": 1}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.flinkVersion": "v1_18"}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.mode": "native"}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.job.args": ["--a", "c"]}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"conf:taskmanager.numberOfTaskSlots": "4"}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"conf:security.ssl.internal.enabled": "true"}, Effect.FROM_SAVEPOINT),
    _changes(LAST, {"conf:security.ssl.internal.enabled": "true"}, Effect.FROM_LAST_STATE),
    _changes(SAVEPOINT, {"spec.podTemplate.metadata": {"labels": {"a": "b"}}}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.serviceAccount": "other"}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.ingress": {"template": "{{name}}.example.org"}}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"spec.logConfiguration": {"log4j-console.properties": "a"}}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {"conf:state.checkpoints.dir": "s3://b/c"}, Effect.FROM_SAVEPOINT, says="s3://state/checkpoints, which must still exist"),
    _changes(SAVEPOINT, {"conf:high-availability.type": GONE}, Effect.FROM_SAVEPOINT),
    _changes(SAVEPOINT, {**IMAGE, "spec.job.allowNonRestoredState": True}, Effect.FROM_SAVEPOINT, True, "allowNonRestoredState"),
    _changes(SAVEPOINT, {**IMAGE, "conf:pipeline.max-parallelism": "720"}, Effect.FROM_SAVEPOINT, says="keyed state cannot be restored"),
    _changes(SAVEPOINT, {"spec.job.parallelism": 200}, Effect.FROM_SAVEPOINT, says="exceeds the job's maximum of 128"),
    _changes(SAVEPOINT, {"conf:state.backend.type": "rocksdb"}, Effect.FROM_SAVEPOINT, says="state backend"),
    _changes(LAST, {**IMAGE, "spec.job.upgradeMode": "savepoint"}, Effect.FROM_SAVEPOINT),
    _changes(STATELESS_WITH_STATE, {**IMAGE, "spec.job.upgradeMode": "savepoint"}, Effect.FROM_SAVEPOINT),
    _changes(BATCH, {**IMAGE, **STATE, **ON_A_CLAIM, "spec.job.upgradeMode": "savepoint"}, Effect.STUCK, says="the running JobManager cannot write the savepoint to file:///state/savepoints"),
    _changes(BATCH, {**IMAGE, **BUCKET, "spec.job.upgradeMode": "savepoint"}, Effect.FROM_SAVEPOINT),
    # Restarts by the last state.
    _changes(LAST, IMAGE, Effect.FROM_LAST_STATE),
    _changes(LAST, {"spec.job.parallelism": 4}, Effect.FROM_LAST_STATE),
    _changes(LAST, {"conf:kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age": "5 min", **IMAGE}, Effect.FROM_LAST_STATE, says="older than 5 min"),
    _changes(LAST, {"conf:high-availability.storageDir": "s3://b/ha"}, Effect.FROM_LAST_STATE, says="s3://state/ha, which must still exist"),
    _changes(LAST, {"conf:state.checkpoints.dir": "s3://b/c"}, Effect.FROM_LAST_STATE, says="must still exist and be readable"),
    _changes(LAST, {"spec.flinkVersion": "v1_18"}, Effect.FROM_SAVEPOINT, says="the Flink version changes"),
    _changes(on(LAST, {"conf:state.savepoints.dir": GONE}), {"spec.flinkVersion": "v1_18"}, Effect.FROM_LAST_STATE, says="cancelled", operators=NEW),
    _changes(on(LAST, {"conf:state.savepoints.dir": GONE}), {"spec.flinkVersion": "v1_18"}, Effect.STUCK, operators=OLD),
    _changes(LAST, {"conf:high-availability.type": GONE}, Effect.FROM_LAST_STATE, True, "high availability is disabled", operators=NEW),
    _changes(LAST, {"conf:high-availability.type": "zookeeper"}, Effect.FROM_LAST_STATE, True, "high availability changes to zookeeper"),
    _changes(on(LAST, {"conf:kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"}), {"conf:high-availability.type": GONE}, Effect.FROM_LAST_STATE, operators=NEW),
    _changes(on(SAVEPOINT, {"conf:high-availability.type": GONE}), {"conf:high-availability.type": "kubernetes", "spec.job.upgradeMode": "last-state"}, Effect.FROM_LAST_STATE, operators=NEW),
    _changes(on(SAVEPOINT, {"conf:high-availability.type": GONE}), {"conf:high-availability.type": "kubernetes", "spec.job.upgradeMode": "last-state"}, Effect.FROM_SAVEPOINT, operators=OLD),
    # The operator cancels the job for its last state, and Flink deletes the checkpoint with it; never with operator 1.7.0.
    _changes(on(LAST, {**DELETED, **NO_HA}), IMAGE, Effect.FROM_LAST_STATE, True, "DELETE_ON_CANCELLATION", operators=NEW),
    _changes(on(LAST, {RETENTION: "no_externalized_checkpoints", **NO_HA}), IMAGE, Effect.FROM_LAST_STATE, True, "cancels the job", operators=NEW),
    _changes(on(LAST, {**DELETED, **JOB_CANCEL}), IMAGE, Effect.FROM_LAST_STATE, True, "cancels the job", operators=NEW),
    _changes(on(LAST, DELETED), {**JOB_CANCEL, **IMAGE}, Effect.FROM_LAST_STATE, True, "cancels the job", operators=NEW),
    _changes(on(LAST, {**DELETED, **JOB_CANCEL}), {**IMAGE, "conf:kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "false"}, Effect.FROM_LAST_STATE, operators=NEW),
    _changes(session_job("last-state", **DELETED), {"spec.job.parallelism": 4}, Effect.FROM_LAST_STATE, True, "cancels the job", operators=NEW),
    _changes(on(LAST, {**DELETED, **NO_HA}), {RETENTION: "RETAIN_ON_CANCELLATION"}, Effect.FROM_LAST_STATE, True, "upgradeMode savepoint for this change", operators=NEW),
    _changes(on(LAST, {**DELETED, **NO_HA}), {RETENTION: GONE, "spec.job.upgradeMode": "savepoint"}, Effect.FROM_SAVEPOINT, operators=NEW),
    _changes(on(LAST, {**DELETED, **NO_HA}), SUSPENDED, Effect.SUSPEND, True, "cancels the job", operators=NEW),
    _changes(on(LAST, {**DELETED, "conf:state.savepoints.dir": GONE}), {"spec.flinkVersion": "v1_18"}, Effect.FROM_LAST_STATE, True, "cancels the job", operators=NEW),
    _changes(on(LAST, DELETED), {"spec.flinkVersion": "v1_18"}, Effect.FROM_SAVEPOINT),
    _changes(on(LAST, DELETED), IMAGE, Effect.FROM_LAST_STATE),
    _changes(on(LAST, DELETED), SUSPENDED, Effect.SUSPEND),
    _changes(on(LAST, NO_HA), IMAGE, Effect.FROM_LAST_STATE, operators=NEW),
    _changes(on(LAST, {RETENTION: "RETAIN_ON_CANCELLATION", **NO_HA}), DELETED, Effect.FROM_LAST_STATE, operators=NEW),
    _changes(on(LAST, {**DELETED, **NO_HA}), IMAGE, Effect.FROM_SAVEPOINT, operators=OLD),
    _changes(on(SAVEPOINT, {**DELETED, **NO_HA}), IMAGE, Effect.FROM_SAVEPOINT),
    _changes(on(LAST, {**SUSPENDED, **DELETED, **NO_HA}), {"spec.job.state": "running"}, Effect.RESUME_FROM_LAST_STATE, operators=NEW),
    _changes(blue_green("last-state", **DELETED, **NO_HA), {"spec.template.spec.image": "x:2"}, Effect.FROM_SAVEPOINT, operators=NEW),
    _changes(blue_green("last-state", **DELETED, **NO_HA), {"spec.template.spec.job.state": "suspended"}, Effect.SUSPEND, True, "cancels the job", operators=NEW),
    # State on a claim.
    _changes(mounted(), IMAGE, Effect.FROM_SAVEPOINT),
    _changes(mounted(), {"spec.podTemplate": GONE}, Effect.FROM_SAVEPOINT, True, "no longer mounts there"),
    _changes(mounted(), {"spec.podTemplate.spec": ELSEWHERE}, Effect.FROM_SAVEPOINT, True, "file:///state/savepoints on the claim state"),
    _changes(mounted("last-state"), {"spec.podTemplate": GONE}, Effect.FROM_LAST_STATE, True, "file:///state/checkpoints on the claim state"),
    _changes(mounted(**{"conf:state.savepoints.dir": "s3://b/s"}), {"spec.podTemplate": GONE}, Effect.FROM_SAVEPOINT),
    _changes(mounted(), {"conf:state.savepoints.dir": "s3://b/s"}, Effect.FROM_SAVEPOINT),
    # Restarts from empty: a loss where there is state.
    _changes(BATCH, IMAGE, Effect.FROM_EMPTY),
    _changes(BATCH, {"spec.job.parallelism": 4}, Effect.FROM_EMPTY),
    _changes(BATCH, {"spec.restartNonce": 2}, Effect.FROM_EMPTY),
    _changes(BATCH, {"spec.podTemplate.spec": {}}, Effect.FROM_EMPTY),
    _changes(STATELESS_WITH_STATE, IMAGE, Effect.FROM_EMPTY, True, "upgradeMode is stateless"),
    _changes(on(STATELESS_WITH_STATE, {"conf:execution.runtime-mode": "BATCH"}), IMAGE, Effect.FROM_EMPTY),
    _changes(on(BATCH, {"conf:execution.checkpointing.interval": "30 s"}), IMAGE, Effect.FROM_EMPTY, True),
    _changes(on(BATCH, {"conf:execution.checkpointing.interval": "0"}), IMAGE, Effect.FROM_EMPTY),
    _changes(on(BATCH, {"conf:state.checkpoints.dir": "s3://b/c"}), IMAGE, Effect.FROM_EMPTY, True),
    _changes(SAVEPOINT, {**IMAGE, "spec.job.upgradeMode": "stateless"}, Effect.FROM_EMPTY, True, "upgradeMode is stateless"),
    _changes(LAST, {**IMAGE, "spec.job.upgradeMode": GONE}, Effect.FROM_EMPTY, True),
    Case("checkpoints by the operator's own configuration", BATCH, on(BATCH, IMAGE), Effect.FROM_EMPTY, True, defaults={"execution.checkpointing.interval": "1 min"}),
    # Restored from a path.
    _changes(SAVEPOINT, REDEPLOY, Effect.FROM_PATH, True, "s3://b/s is lost", operators=NEW),
    _changes(BATCH, REDEPLOY, Effect.FROM_PATH, operators=NEW),
    _changes(SAVEPOINT, {"spec.job.savepointRedeployNonce": 1}, Effect.REFUSED, says="initialSavepointPath", operators=NEW),
    _changes(on(SAVEPOINT, {"spec.job.savepointRedeployNonce": 1}), {"spec.job.savepointRedeployNonce": GONE}, Effect.METADATA, operators=NEW),
    # In place.
    _changes(on(LAST, ADAPTIVE), {OVERRIDES: "a:2,b:1"}, Effect.RESCALE),
    _changes(on(LAST, {**ADAPTIVE, "conf:jobmanager.scheduler": GONE}), {OVERRIDES: "a:2,b:1"}, Effect.FROM_LAST_STATE),
    _changes(on(LAST, {**ADAPTIVE, "spec.flinkVersion": "v1_17"}), {OVERRIDES: "a:2,b:1"}, Effect.FROM_LAST_STATE),
    _changes(on(LAST, ADAPTIVE), {OVERRIDES: "a:2"}, Effect.FROM_LAST_STATE),
    _changes(on(LAST, ADAPTIVE), {OVERRIDES: "a:2,b:1", **IMAGE}, Effect.FROM_LAST_STATE),
    _changes(on(LAST, {**ADAPTIVE, "conf:kubernetes.operator.job.upgrade.inplace-scaling.enabled": "false"}), {OVERRIDES: "a:2,b:1"}, Effect.FROM_LAST_STATE),
    _changes(on(LAST, ADAPTIVE), {"spec.job.parallelism": 4}, Effect.FROM_LAST_STATE),
    _changes(on(SAVEPOINT, REACTIVE), {"spec.job.parallelism": 4}, Effect.RESCALE),
    _changes(on(SAVEPOINT, {**REACTIVE, "spec.taskManager.replicas": 1}), {"spec.taskManager.replicas": 3}, Effect.RESCALE),
    _changes(on(SAVEPOINT, STANDALONE), {"spec.job.parallelism": 4}, Effect.FROM_SAVEPOINT),
    # Suspended and resumed.
    _changes(SAVEPOINT, SUSPENDED, Effect.SUSPEND, says="a savepoint is taken first"),
    _changes(LAST, SUSPENDED, Effect.SUSPEND, says="its last state is kept"),
    _changes(BATCH, SUSPENDED, Effect.SUSPEND),
    _changes(STATELESS_WITH_STATE, SUSPENDED, Effect.SUSPEND, True, "does not keep state"),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.state": "running"}, Effect.RESUME_FROM_SAVEPOINT),
    _changes(on(LAST, SUSPENDED), {"spec.job.state": "running"}, Effect.RESUME_FROM_LAST_STATE),
    _changes(on(BATCH, SUSPENDED), {"spec.job.state": "running"}, Effect.RESUME_FROM_EMPTY),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.state": "running", "spec.job.upgradeMode": "stateless"}, Effect.RESUME_FROM_EMPTY, True),
    # Suspended before and after: what costs the way back to its state costs it here, for the resume does not show it.
    _changes(on(SAVEPOINT, SUSPENDED), IMAGE, Effect.STAYS_SUSPENDED, says="its code changes"),
    _changes(on(LAST, SUSPENDED), IMAGE, Effect.STAYS_SUSPENDED),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.parallelism": 4}, Effect.STAYS_SUSPENDED, says="when the job is resumed"),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.upgradeMode": "last-state"}, Effect.STAYS_SUSPENDED),
    _changes(on(SAVEPOINT, SUSPENDED), {"conf:high-availability.type": GONE}, Effect.STAYS_SUSPENDED),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.flinkVersion": "v1_18"}, Effect.STAYS_SUSPENDED),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.initialSavepointPath": "s3://b/s"}, Effect.STAYS_SUSPENDED, says="savepointRedeployNonce"),
    _changes(mounted(**SUSPENDED), IMAGE, Effect.STAYS_SUSPENDED),
    _changes(on(BATCH, SUSPENDED), IMAGE, Effect.STAYS_SUSPENDED),
    _changes(on(STATELESS_WITH_STATE, SUSPENDED), IMAGE, Effect.STAYS_SUSPENDED),
    _changes(on(STATELESS_WITH_STATE, SUSPENDED), {"spec.job.upgradeMode": "savepoint"}, Effect.STAYS_SUSPENDED),
    _changes(session_job("last-state", **SUSPENDED), {"conf:high-availability.type": GONE}, Effect.STAYS_SUSPENDED, operators=NEW),
    _changes(blue_green(**SUSPENDED), {"spec.template.spec.image": "x:2"}, Effect.STAYS_SUSPENDED, operators=NEW),
    _changes(on(SAVEPOINT, SUSPENDED), REDEPLOY, Effect.STAYS_SUSPENDED, True, "s3://b/s is lost", operators=NEW),
    _changes(on(LAST, SUSPENDED), REDEPLOY, Effect.STAYS_SUSPENDED, True, "s3://b/s is lost", operators=NEW),
    _changes(on(BATCH, SUSPENDED), REDEPLOY, Effect.STAYS_SUSPENDED, says="starts from s3://b/s", operators=NEW),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.upgradeMode": "stateless"}, Effect.STAYS_SUSPENDED, True, "upgradeMode stateless"),
    _changes(on(LAST, SUSPENDED), {**IMAGE, "spec.job.upgradeMode": "stateless"}, Effect.STAYS_SUSPENDED, True, "upgradeMode stateless"),
    _changes(on(LAST, SUSPENDED), {"conf:high-availability.type": GONE}, Effect.STAYS_SUSPENDED, True, "high availability is disabled", operators=NEW),
    _changes(mounted(**SUSPENDED), {"spec.podTemplate": GONE}, Effect.STAYS_SUSPENDED, True, "no longer mounts there"),
    _changes(mounted("last-state", **SUSPENDED), {"spec.podTemplate.spec": ELSEWHERE}, Effect.STAYS_SUSPENDED, True, "no longer mounts there"),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.allowNonRestoredState": True}, Effect.STAYS_SUSPENDED, True, "dropped"),
    # The same for what comes with the suspension itself.
    _changes(LAST, {**SUSPENDED, "conf:high-availability.type": GONE}, Effect.SUSPEND, True, "high availability is disabled", operators=NEW),
    _changes(mounted(), {**SUSPENDED, "spec.podTemplate": GONE}, Effect.SUSPEND, True, "no longer mounts there"),
    _changes(mounted(), {**SUSPENDED, **IMAGE}, Effect.SUSPEND),
    # A job that became stateless while it was suspended looks like one that has always been: both are asked for.
    _changes(on(STATELESS_WITH_STATE, SUSPENDED), {"spec.job.state": "running"}, Effect.RESUME_FROM_EMPTY, says="it was suspended with upgradeMode stateless"),
    _changes(on(LAST, SUSPENDED), {"spec.job.state": "running", "conf:high-availability.type": GONE}, Effect.RESUME_FROM_LAST_STATE, True, operators=NEW),
    _changes(on(LAST, SUSPENDED), {"spec.job.state": "running", "spec.flinkVersion": "v1_18"}, Effect.REFUSED, says="last-state"),
    _changes(on(SAVEPOINT, SUSPENDED), {"spec.job.state": "running", "spec.flinkVersion": "v1_18"}, Effect.RESUME_FROM_SAVEPOINT),
    # Refused.
    _changes(SAVEPOINT, {"spec.mode": "standalone"}, Effect.REFUSED, says="native and standalone"),
    _changes(SAVEPOINT, {"spec.job": GONE}, Effect.REFUSED, says="session and application"),
    # Session clusters and session jobs.
    _changes(session_cluster(), {"spec.image": "flink:2"}, Effect.CLUSTER_RESTART),
    _changes(session_cluster(), {"conf:kubernetes.operator.a": "b"}, Effect.NO_RESTART),
    _changes(session_job(), {"spec.job.parallelism": 4}, Effect.FROM_SAVEPOINT),
    _changes(session_job(), {"spec.deploymentName": "other"}, Effect.REFUSED, says="cannot move"),
    _changes(session_job("stateless"), {"spec.job.args": ["x"]}, Effect.FROM_EMPTY),
    _changes(session_job("last-state"), {"conf:high-availability.type": GONE}, Effect.FROM_LAST_STATE, operators=NEW),
    # Blue/green.
    _changes(blue_green(), {"spec.template.spec.image": "x:2"}, Effect.FROM_SAVEPOINT, says="blue/green", operators=NEW),
    _changes(blue_green("last-state"), {"spec.template.spec.image": "x:2"}, Effect.FROM_SAVEPOINT, operators=NEW),
    _changes(blue_green("stateless"), {"spec.template.spec.image": "x:2"}, Effect.FROM_EMPTY, True, operators=NEW),
    _changes(blue_green(), {"spec.template.spec.job.upgradeMode": "last-state"}, Effect.NO_RESTART, operators=NEW),
    _changes(blue_green(), {"spec.configuration": {"kubernetes.operator.bluegreen.abort.grace-period": "1 min"}}, Effect.NO_RESTART, operators=NEW),
    _changes(blue_green(), {"spec.template.spec.job.state": "suspended"}, Effect.SUSPEND, operators=NEW),
]  # fmt: skip
"""Of each its effect, by the operator's reconcilers (docs/plan.md)."""
