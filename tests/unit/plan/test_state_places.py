"""Plans of changes of the location of state, of its writers and of its readers.

The rules are those of docs/plan.md; `test_plan_model.py` compares them with a model on random pairs of specs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flink_k8s.plan.effects import Effect, Outcome, added, changed, deleted, replaced
from flink_k8s.plan.state import DeclaredJob, Operator
from tests.e2e.validator.corpus import GONE
from tests.unit.plan.cases import (
    BOTH,
    IMAGE,
    JOB_CANCEL,
    NO_HA,
    ON_A_CLAIM,
    SUSPENDED,
    Manifest,
    batch,
    blue_green,
    mounted,
    on,
    session_cluster,
    session_job,
    stateful,
    streaming,
)
from tests.unit.plan.test_plan import planned, step

X = {"conf:x.y": "z"}
"""A change that restarts a job and has nothing to do with its state."""

RESUMED = {"spec.job.state": "running"}
ON_DELETION = {"conf:kubernetes.operator.job.savepoint-on-deletion": "true"}
SAVEPOINTS, CHECKPOINTS = "conf:state.savepoints.dir", "conf:state.checkpoints.dir"
HA_TYPE, HA_STORAGE = "conf:high-availability.type", "conf:high-availability.storageDir"
IN_TMP = {SAVEPOINTS: "file:///tmp/sp", CHECKPOINTS: "file:///tmp/cp", HA_STORAGE: "file:///tmp/ha"}

CLAIM = {"persistentVolumeClaim": {"claimName": "state"}}


def template(source: Mapping[str, Any], path: str = "/state", name: str = "s", **mount: Any) -> Manifest:
    """A pod template with that volume mounted at the path."""
    mounts = [{"name": name, "mountPath": path, **mount}]
    container = {"name": "flink-main-container", "volumeMounts": mounts}
    return {"spec": {"volumes": [{"name": name, **source}], "containers": [container]}}


def volume(source: Mapping[str, Any], **mount: Any) -> dict[str, Any]:
    """The change that mounts it in both processes."""
    return {"spec.podTemplate": template(source, **mount)}


def outcome(old: Manifest, new: Manifest, version: str = "1.16.1", **defaults: str) -> Outcome:
    operator = Operator(version, {key.replace("_", "."): value for key, value in defaults.items()})
    return changed(DeclaredJob.of(old, operator), DeclaredJob.of(new, operator))


def job(manifest: Manifest, version: str = "1.16.1") -> DeclaredJob:
    return DeclaredJob.of(manifest, Operator(version, {}))


class TestUpgradeSavepoint:
    """It is in the new spec's directory, and the old pods write it (case sec-60)."""

    @pytest.mark.parametrize("version", BOTH)
    def test_savepoint_directory_that_changes_from_a_bucket_to_the_pod_loses_state(self, version: str) -> None:
        actual = outcome(stateful(), stateful(**{SAVEPOINTS: "file:///tmp/sp"}), version)
        assert actual.effect is Effect.FROM_SAVEPOINT
        assert actual.loss == "the savepoint in file:///tmp/sp is inside the JobManager's pod and is lost with it"

    @pytest.mark.parametrize("version", BOTH)
    def test_savepoint_directory_on_a_claim_that_running_pods_do_not_mount_never_finishes(self, version: str) -> None:
        actual = outcome(stateful(), mounted(), version)
        assert (actual.effect, actual.loss) == (Effect.STUCK, "")
        assert actual.notes[0].startswith(
            "the running JobManager cannot write the savepoint to file:///state/savepoints"
        )

    def test_pods_as_root_write_the_savepoint_into_the_pod(self) -> None:
        root = {"spec.podTemplate": {"spec": {"securityContext": {"runAsUser": 0}}}}
        assert outcome(stateful(**root), mounted()).loss

    @pytest.mark.parametrize("version", BOTH)
    def test_a_directory_that_is_set_with_the_change_is_used(self, version: str) -> None:
        old = mounted("last-state", **{SAVEPOINTS: GONE})
        actual = outcome(old, mounted(), version)
        assert (actual.effect, actual.loss) == (Effect.FROM_SAVEPOINT, "")

    @pytest.mark.parametrize("version", BOTH)
    def test_without_a_new_directory_the_old_one_is_used(self, version: str) -> None:
        actual = outcome(stateful(), stateful(**{SAVEPOINTS: GONE}), version)
        assert (actual.effect, actual.loss) == (Effect.FROM_SAVEPOINT, "")
        assert outcome(streaming(**IN_TMP), stateful(**{SAVEPOINTS: GONE}), version).loss

    def test_the_operators_default_directory_is_not_used_from_the_new_spec(self) -> None:
        """The operator copies the directory from the resource's own flinkConfiguration alone."""
        old = stateful(**{SAVEPOINTS: GONE})
        assert outcome(old, on(old, X), state_savepoints_dir="s3://b/default").effect is Effect.FROM_SAVEPOINT
        own = stateful(**{SAVEPOINTS: "file:///tmp/sp"})
        assert outcome(own, on(own, {SAVEPOINTS: GONE}), state_savepoints_dir="s3://b/default").loss

    @pytest.mark.parametrize(
        "name", ["execution.checkpointing.savepoint-dir", "state.savepoints.dir", "savepoints.state.backend.fs.dir"]
    )
    def test_every_name_of_the_savepoint_option_counts(self, name: str) -> None:
        old = stateful(**{SAVEPOINTS: GONE, "conf:savepoints.state.backend.fs.dir": "s3://b/sp"})
        new = on(old, {"conf:savepoints.state.backend.fs.dir": GONE, f"conf:{name}": "file:///tmp/sp"})
        assert outcome(old, new).loss

    def test_operator_1_7_0_does_not_read_the_current_name_of_the_option(self) -> None:
        new = stateful(**{SAVEPOINTS: GONE, "conf:execution.checkpointing.savepoint-dir": "file:///tmp/sp"})
        assert outcome(stateful(), new, "1.16.1").loss
        assert not outcome(stateful(), new, "1.7.0").loss

    def test_savepoint_directory_that_changes_from_a_claim_to_a_bucket_keeps_state(self) -> None:
        assert outcome(mounted(), mounted(**{SAVEPOINTS: "s3://b/sp"})).loss == ""
        assert outcome(mounted(), stateful()).loss == ""

    @pytest.mark.parametrize("version", BOTH)
    def test_savepoint_upgrade_without_a_directory_never_finishes(self, version: str) -> None:
        actual = outcome(batch(), batch(**{"spec.job.upgradeMode": "savepoint"}, **X), version)
        assert actual.effect is Effect.STUCK
        assert "no savepoint directory is set" in actual.notes[0]

    def test_savepoint_upgrade_with_a_read_only_mount_never_finishes(self) -> None:
        old = streaming(**volume(CLAIM, readOnly=True))
        assert outcome(old, on(old, X)).effect is Effect.STUCK

    def test_a_blue_green_deployment_uses_the_directory_that_it_runs_with(self) -> None:
        assert not outcome(blue_green(), blue_green(**{SAVEPOINTS: "file:///tmp/sp"})).loss
        assert outcome(blue_green(**{SAVEPOINTS: "file:///tmp/sp"}), blue_green()).loss
        assert outcome(blue_green(**{SAVEPOINTS: GONE}), blue_green()).effect is Effect.STUCK

    def test_suspension_uses_the_same_savepoint_directory(self) -> None:
        assert outcome(stateful(), stateful(**{SAVEPOINTS: "file:///tmp/sp"}, **SUSPENDED)).loss
        assert outcome(stateful(), mounted(**SUSPENDED)).effect is Effect.STUCK

    def test_a_suspended_job_has_its_savepoint_in_the_old_directory(self) -> None:
        old = mounted(**SUSPENDED)
        assert not outcome(old, on(old, {SAVEPOINTS: "file:///tmp/sp", **RESUMED})).loss
        assert outcome(old, on(old, {"spec.podTemplate": GONE, **RESUMED})).loss


PLACES = {
    "/tmp": IN_TMP,
    "an emptyDir": volume({"emptyDir": {}}),
    "an ephemeral claim": volume({"ephemeral": {"volumeClaimTemplate": {}}}),
    "a volume inside of the claim": {
        "spec.podTemplate.spec": {
            "volumes": [{"name": "s", **CLAIM}, {"name": "e", "emptyDir": {}}],
            "containers": [
                {
                    "name": "flink-main-container",
                    "volumeMounts": [
                        {"name": "s", "mountPath": "/"},
                        {"name": "e", "mountPath": "/state"},
                    ],
                }
            ],
        }
    },
}


class TestStateInsideThePod:
    """State inside the pod does not survive a restart, a suspension or a deletion (case sec-61)."""

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("mode", ["savepoint", "last-state"])
    @pytest.mark.parametrize("version", BOTH)
    def test_a_restart_or_a_suspension_loses_state_inside_the_pod(self, place: str, mode: str, version: str) -> None:
        old = streaming(mode, **PLACES[place])
        for change, effects in (
            (X, (Effect.FROM_SAVEPOINT, Effect.FROM_LAST_STATE)),
            (SUSPENDED, (Effect.SUSPEND,)),
        ):
            actual = outcome(old, on(old, change), version)
            assert actual.effect in effects
            assert "inside the JobManager's pod" in actual.loss

    @pytest.mark.parametrize("place", PLACES)
    def test_a_deletion_loses_its_savepoint_inside_the_pod(self, place: str) -> None:
        actual = deleted(job(streaming(**PLACES[place], **ON_DELETION)), protected=False)
        assert actual.effect is Effect.DELETE_WITH_SAVEPOINT
        assert "inside the JobManager's pod" in actual.loss
        assert not any("stays in" in note for note in actual.notes)

    def test_a_deletion_waits_if_its_savepoint_cannot_be_written(self) -> None:
        assert deleted(job(streaming(**ON_DELETION)), protected=False).effect is Effect.STUCK
        assert deleted(job(mounted(**ON_DELETION)), protected=False).loss == ""

    def test_the_savepoint_of_a_suspended_job_inside_the_pod_is_lost(self) -> None:
        assert deleted(job(streaming(**IN_TMP, **SUSPENDED)), protected=False).loss
        assert not deleted(job(mounted(**SUSPENDED)), protected=False).loss
        assert outcome(streaming(**IN_TMP, **SUSPENDED), streaming(**IN_TMP, **RESUMED)).loss

    def test_a_replacement_leaves_no_savepoint_inside_the_pod(self) -> None:
        old = job(streaming(**IN_TMP, **ON_DELETION))
        assert replaced(old, old, [], protected=False).notes == ()

    def test_changes_without_a_restart_keep_state_inside_the_pod(self) -> None:
        old = streaming(**IN_TMP)
        assert outcome(old, on(old, {"conf:kubernetes.operator.x": "y"})).loss == ""

    def test_rescaling_in_place_replaces_task_managers(self) -> None:
        adaptive = {"conf:jobmanager.scheduler": "adaptive"}
        overrides = "conf:pipeline.jobvertex-parallelism-overrides"
        for base, loses in ((streaming("last-state", **IN_TMP), True), (stateful("last-state"), False)):
            old = on(base, {**adaptive, overrides: "a:1"})
            actual = outcome(old, on(old, {overrides: "a:2"}))
            assert (actual.effect, bool(actual.loss)) == (Effect.RESCALE, loses)

    def test_only_the_job_manager_needs_the_volume_of_high_availability_data(self) -> None:
        buckets = {SAVEPOINTS: "s3://b/sp", CHECKPOINTS: "s3://b/cp"}
        for process, loses in (("jobManager", False), ("taskManager", True)):
            old = streaming("last-state", **buckets, **{f"spec.{process}.podTemplate": template(CLAIM)})
            assert bool(outcome(old, on(old, X)).loss) is loses

    @pytest.mark.parametrize("process", ["jobManager", "taskManager"])
    def test_checkpoint_volume_must_be_mounted_in_both_processes(self, process: str) -> None:
        old = streaming("last-state", **{HA_STORAGE: "s3://b/ha", f"spec.{process}.podTemplate": template(CLAIM)})
        other = "TaskManager" if process == "jobManager" else "JobManager"
        assert f"inside the {other}'s pod" in outcome(old, on(old, X)).loss

    def test_last_state_ignores_savepoints_inside_the_pod(self) -> None:
        old = stateful("last-state", **{SAVEPOINTS: "file:///tmp/sp"})
        assert outcome(old, on(old, X)).loss == ""

    def test_savepoint_upgrade_ignores_checkpoints_inside_the_pod(self) -> None:
        old = stateful(**{CHECKPOINTS: "file:///tmp/cp", HA_STORAGE: "file:///tmp/ha"})
        assert outcome(old, on(old, X)).loss == ""

    def test_a_path_without_a_scheme_is_in_the_default_file_system(self) -> None:
        old = stateful(**{SAVEPOINTS: "/tmp/sp"})
        assert outcome(old, on(old, X)).loss
        in_hdfs = on(old, {"conf:fs.default-scheme": "hdfs://name:9000/"})
        assert not outcome(in_hdfs, on(in_hdfs, X)).loss

    def test_a_new_job_cannot_start_from_a_path_inside_the_pod(self) -> None:
        started = added(job(stateful(**{"spec.job.initialSavepointPath": "file:///tmp/s"})))
        assert started.notes == ("starts from file:///tmp/s, which is inside its pod",)


NFS = {"nfs": {"server": "nas", "path": "/export"}}
CSI = {"csi": {"driver": "d", "volumeAttributes": {"share": "a"}}}

SAME_PLACE = [
    (volume(CLAIM), volume(CLAIM, readOnly=False)),
    (volume(NFS), volume({"nfs": {"server": "nas", "path": "/"}}, subPath="export")),
    (volume(CLAIM), {"spec.jobManager.podTemplate": template(CLAIM), "spec.taskManager.podTemplate": template(CLAIM)}),
    (volume(CLAIM), volume(CLAIM, path="/state/")),
    (volume(CLAIM, path="/"), volume(CLAIM, path="/state", subPath="state")),
]
OTHER_PLACE = [
    (volume(CLAIM), volume({"persistentVolumeClaim": {"claimName": "other"}})),
    (volume(CLAIM), volume(CLAIM, subPath="team")),
    (volume(CLAIM), volume(CLAIM, path="/other")),
    (volume(CLAIM), volume({"emptyDir": {}})),
    (volume(NFS), volume({"nfs": {"server": "other", "path": "/export"}})),
    (volume(NFS), volume({"nfs": {"server": "nas", "path": "/other"}})),
    (volume(CSI), volume({"csi": {"driver": "d", "volumeAttributes": {"share": "b"}}})),
    (volume({"hostPath": {"path": "/a"}}), volume({"hostPath": {"path": "/b"}})),
    (volume(CLAIM), {"spec.jobManager.podTemplate": template(CLAIM)}),
    (volume(CLAIM), {"spec.taskManager.podTemplate": template(CLAIM)}),
    (volume(CLAIM), {**volume(CLAIM), "spec.taskManager.podTemplate": template({"emptyDir": {}}, name="e")}),
    (volume(CLAIM), {**volume(CLAIM), "spec.jobManager.podTemplate": template(NFS, name="e")}),
]


class TestVolumes:
    """The location of a path is its volume."""

    @pytest.mark.parametrize(
        ("before", "after", "loses"), [(*pair, False) for pair in SAME_PLACE] + [(*pair, True) for pair in OTHER_PLACE]
    )
    @pytest.mark.parametrize("mode", ["savepoint", "last-state"])
    def test_the_new_pods_find_what_the_old_ones_wrote(
        self, before: Manifest, after: Manifest, mode: str, *, loses: bool
    ) -> None:
        actual = outcome(streaming(mode, **before), streaming(mode, **after))
        assert bool(actual.loss) is loses, actual


class TestUnclaimedState:
    """Every name of the option counts (case sec-63)."""

    OPTIONS = (
        "conf:execution.savepoint.ignore-unclaimed-state",
        "conf:execution.state-recovery.ignore-unclaimed-state",
    )

    @pytest.mark.parametrize("option", [*OPTIONS, "spec.job.allowNonRestoredState"])
    @pytest.mark.parametrize("version", BOTH)
    def test_enabling_the_option_drops_unclaimed_state(self, option: str, version: str) -> None:
        value: object = True if option.startswith("spec") else "true"
        actual = outcome(mounted(), mounted(**{option: value, **X}), version)
        assert option.partition(".")[2].rpartition("job.")[2] in actual.loss
        assert "is dropped" in actual.loss
        values = mounted(**{option: value})
        assert not outcome(values, on(values, X), version).loss, "it is not turned on by this change"

    def test_another_name_of_the_option_is_not_a_change(self) -> None:
        old = mounted(**{self.OPTIONS[0]: "true"})
        assert not outcome(old, mounted(**{self.OPTIONS[1]: "true"})).loss

    def test_the_field_overrides_the_option(self) -> None:
        off = mounted(**{"spec.job.allowNonRestoredState": False})
        assert not outcome(off, on(off, {self.OPTIONS[0]: "true"})).loss

    def test_the_operators_configuration_drops_unclaimed_state(self) -> None:
        off = mounted(**{"spec.job.allowNonRestoredState": False})
        on_again = on(off, {"spec.job.allowNonRestoredState": GONE, **X})
        assert outcome(off, on_again, execution_savepoint_ignore_unclaimed_state="true").loss == ""
        operator = Operator("1.16.1", {"execution.savepoint.ignore-unclaimed-state": "true"})
        assert changed(DeclaredJob.of(off, operator), DeclaredJob.of(on_again, operator)).loss


FACTORY = "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"


class TestHighAvailability:
    def test_the_class_name_equals_the_short_name(self) -> None:
        old = stateful("last-state")
        assert not outcome(old, on(old, {HA_TYPE: FACTORY})).loss
        assert not outcome(on(old, {HA_TYPE: FACTORY}), old).loss
        assert outcome(on(old, {HA_TYPE: FACTORY}), on(old, NO_HA)).loss

    @pytest.mark.parametrize("name", ["high-availability", "recovery.mode"])
    def test_older_names_of_the_option_count(self, name: str) -> None:
        old = stateful("last-state", **{HA_TYPE: GONE, f"conf:{name}": "kubernetes"})
        assert not outcome(old, stateful("last-state")).loss
        assert outcome(old, on(old, {f"conf:{name}": GONE})).loss

    @pytest.mark.parametrize("key", ["quorum", "path.root"])
    def test_another_zookeeper_location_has_no_metadata(self, key: str) -> None:
        old = stateful("last-state", **{HA_TYPE: "zookeeper", f"conf:high-availability.zookeeper.{key}": "a"})
        assert outcome(old, on(old, {f"conf:high-availability.zookeeper.{key}": "b"})).loss
        assert not outcome(old, on(old, X)).loss

    def test_the_operator_does_not_read_metadata_of_other_implementations(self) -> None:
        """It cancels the job instead: the checkpoint's own path counts."""
        old = stateful("last-state", **{HA_TYPE: "org.example.Factory", HA_STORAGE: "file:///tmp/ha"})
        assert not outcome(old, on(old, X)).loss
        assert outcome(old, on(old, {CHECKPOINTS: GONE})).loss == ""
        without = on(old, {CHECKPOINTS: GONE})
        assert "JobManager's memory" in outcome(without, on(without, X)).loss


class TestNothingToRestore:
    """From stateless without checkpoints to last-state."""

    @pytest.mark.parametrize("ha", [{}, NO_HA])
    def test_a_job_without_state_starts_empty(self, ha: Manifest) -> None:
        actual = outcome(batch(), on(stateful("last-state"), ha))
        assert (actual.effect, actual.loss) == (Effect.FROM_EMPTY, "")
        assert "does not enable checkpoints" in actual.notes[0]

    def test_a_job_with_only_a_savepoint_directory_loses_state(self) -> None:
        old = batch(**{SAVEPOINTS: "s3://b/sp"})
        actual = outcome(old, stateful("last-state"))
        assert (actual.effect, bool(actual.loss)) == (Effect.FROM_EMPTY, True)

    def test_a_job_with_checkpoints_keeps_state(self) -> None:
        actual = outcome(stateful("stateless"), on(stateful("last-state"), IMAGE))
        assert (actual.effect, actual.loss) == (Effect.FROM_LAST_STATE, "")

    def test_a_savepoint_upgrade_keeps_state(self) -> None:
        actual = outcome(batch(), stateful())
        assert (actual.effect, actual.loss) == (Effect.FROM_SAVEPOINT, "")

    @pytest.mark.parametrize("cancels", [NO_HA, JOB_CANCEL])
    def test_a_cancelled_job_loses_checkpoints_in_memory(self, cancels: Manifest) -> None:
        old = on(stateful("last-state", **{CHECKPOINTS: GONE}), cancels)
        assert "JobManager's memory" in outcome(old, on(old, X)).loss
        actual = stateful("last-state", **{CHECKPOINTS: GONE})
        assert outcome(actual, on(actual, X)).loss == "", "the high-availability data contains them"


DRAIN = {"conf:kubernetes.operator.job.drain-on-savepoint-deletion": "true"}


class TestNotes:
    """Case sec-67."""

    @pytest.mark.parametrize(
        ("before", "after", "note"),
        [
            ("v2_2", "v1_20", "Flink 1.20 is older: it may not be able to read state that 2.2 has written"),
            ("v1_20", "v1_19", "Flink 1.19 is older: it may not be able to read state that 1.20 has written"),
            (
                "v1_20",
                "v2_2",
                "Flink 1.x to 2.x: state compatibility is not guaranteed; "
                "restore a copy with the new version first, by a restore drill",
            ),
            ("v1_19", "v1_20", ""),
            ("v2_1", "v2_2", ""),
        ],
    )
    @pytest.mark.parametrize("patch", [{}, SUSPENDED])
    def test_notes_of_flink_version_changes(self, before: str, after: str, note: str, patch: Manifest) -> None:
        actual = outcome(mounted(**{"spec.flinkVersion": before}), mounted(**{"spec.flinkVersion": after}, **patch))
        assert [said for said in actual.notes if "Flink " in said] == ([note] if note else [])
        assert not actual.loss

    def test_note_of_a_savepoint_that_drains(self) -> None:
        drained = "kubernetes.operator.job.drain-on-savepoint-deletion drains the job"
        for change in (X, SUSPENDED):
            assert drained in " ".join(outcome(mounted(), mounted(**DRAIN, **change)).notes)
        assert drained in " ".join(deleted(job(mounted(**DRAIN, **ON_DELETION)), protected=False).notes)
        for quiet in (
            outcome(mounted(), mounted(**X)),
            outcome(mounted("last-state"), mounted("last-state", **DRAIN, **X)),
            outcome(blue_green(), blue_green(**DRAIN, **X)),
        ):
            assert drained not in " ".join(quiet.notes)

    def test_note_of_a_fixed_job_id(self) -> None:
        fixed = {"conf:$internal.pipeline.job-id": "0" * 32}
        assert "is fixed" in " ".join(outcome(mounted(**fixed), mounted(**fixed, **X)).notes)
        assert "is fixed" not in " ".join(outcome(mounted(), mounted(**X)).notes)


HA = {HA_TYPE: "kubernetes", HA_STORAGE: "s3://b/ha"}


def of_session(cluster: Manifest, change: Mapping[str, Any], job: Manifest) -> tuple[bool, bool]:
    """Whether the cluster loses something by the change, and whether its job does."""
    outcome = planned(step("update", cluster, on(cluster, change)), step("same", job, job))
    losses = {job.name: bool(job.outcome.loss) for job in outcome.jobs}
    return losses["cluster"], losses["visits"]


class TestSessionClusters:
    """They and their jobs lose state with the high-availability data or with another Flink version."""

    @pytest.mark.parametrize(
        ("before", "change", "loses"),
        [
            (HA, IMAGE, False),
            (HA, {HA_TYPE: FACTORY}, False),
            (HA, {HA_STORAGE: "s3://b/other"}, False),
            (HA, {HA_TYPE: GONE, HA_STORAGE: GONE}, True),
            (HA, {HA_TYPE: "zookeeper"}, True),
            (HA, {"spec.flinkVersion": "v1_20"}, True),
            ({**HA, HA_STORAGE: "file:///tmp/ha"}, IMAGE, True),
            ({**HA, HA_STORAGE: "file:///state/ha", **ON_A_CLAIM}, IMAGE, False),
            ({**HA, HA_STORAGE: "file:///state/ha", **ON_A_CLAIM}, {"spec.podTemplate": GONE}, True),
        ],
    )
    def test_a_session_cluster_loses_state_with_its_job(
        self, before: Manifest, change: Manifest, *, loses: bool
    ) -> None:
        assert of_session(session_cluster(**before), change, session_job()) == (loses, loses)

    def test_without_high_availability_only_the_jobs_lose_state(self) -> None:
        assert of_session(session_cluster(), IMAGE, session_job()) == (False, True)

    def test_undeclared_jobs_lose_state_with_the_cluster(self) -> None:
        cluster = session_cluster(**HA)
        [outcome] = planned(step("update", cluster, on(cluster, {"spec.flinkVersion": "v1_20"}))).jobs
        assert outcome.outcome.loss == "it restarts with another Flink version, which cannot recover its jobs"

    @pytest.mark.parametrize("idle", [session_job(**SUSPENDED), session_job("stateless")])
    def test_the_version_of_a_cluster_with_suspended_jobs_may_change(self, idle: Manifest) -> None:
        assert of_session(session_cluster(**HA), {"spec.flinkVersion": "v1_20"}, idle) == (False, False)

    def test_the_savepoint_of_a_suspended_job_needs_its_claim(self) -> None:
        cluster = session_cluster(**HA, **ON_A_CLAIM)
        idle = session_job(**SUSPENDED, **{SAVEPOINTS: "file:///state/sp"})
        assert of_session(cluster, {"spec.podTemplate": GONE}, idle)[1]
        assert not of_session(cluster, IMAGE, idle)[1]

    def test_checkpoints_inside_the_clusters_pods_are_lost(self) -> None:
        in_pod = session_job(**{CHECKPOINTS: "file:///tmp/cp"})
        assert of_session(session_cluster(**HA), IMAGE, in_pod)[1]

    def test_the_jobs_directory_overrides_the_clusters(self) -> None:
        cluster = session_cluster(**HA, **{CHECKPOINTS: "file:///tmp/cp"})
        assert of_session(cluster, IMAGE, session_job()) == (False, False)
        assert of_session(cluster, IMAGE, session_job(**{CHECKPOINTS: GONE})) == (True, True)
        [alone] = planned(step("update", cluster, on(cluster, IMAGE))).jobs
        assert "file:///tmp/cp" in alone.outcome.loss, "jobs that are not declared use the cluster's"

    def test_the_savepoint_is_in_the_new_directory_of_job_or_cluster(self) -> None:
        cluster = session_cluster(**HA)
        old = session_job()
        for change in ({SAVEPOINTS: "file:///tmp/sp"}, {**X, SAVEPOINTS: "file:///state/sp"}):
            outcome = planned(step("same", cluster, cluster), step("update", old, on(old, change)))
            [visits] = [job.outcome for job in outcome.jobs if job.name == "visits"]
            assert visits.loss if "/tmp" in str(change) else visits.effect is Effect.STUCK
        silent = session_job(**{SAVEPOINTS: GONE})
        of_cluster = session_cluster(**HA, **{SAVEPOINTS: "file:///tmp/sp"})
        outcome = planned(step("same", of_cluster, of_cluster), step("update", silent, on(silent, X)))
        assert [job.outcome.loss for job in outcome.jobs if job.name == "visits"] != [""]

    def test_mounts_of_an_unknown_cluster_are_unknown(self) -> None:
        """The plan reports no loss."""
        old = session_job(**{SAVEPOINTS: "file:///state/sp"})
        assert outcome(old, on(old, X)).loss == ""


@pytest.mark.parametrize("version", BOTH)
def test_state_in_a_bucket_is_kept(version: str) -> None:
    """The control case: none of the rules above applies."""
    for mode in ("savepoint", "last-state"):
        old = stateful(mode)
        for change in (X, IMAGE, ON_A_CLAIM, {"spec.podTemplate": GONE}, SUSPENDED):
            assert outcome(old, on(old, change), version).loss == ""
