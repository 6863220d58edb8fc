"""What a job that keeps state is given, when, and what of it later layers change."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.restore_request import NONE
from flink_k8s.resolve.job_spec import job_of, restored_from
from flink_k8s.resolve.state_storage import CLAIM, MOUNT
from tests.unit.operations.test_access import BLUE_GREEN
from tests.unit.project import JOB, Project

ROOT = Path(__file__).resolve().parents[3]
VOLUME: dict[str, Any] = {"stateStorage": {"type": "volume"}}
STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint")
HOME = f"file://{MOUNT}/x/flink/word-count"


def configuration(project: Project, name: str = "word-count") -> dict[str, str]:
    return project.spec(name)["flinkConfiguration"]


def test_a_job_that_keeps_state_has_directories_of_its_own_and_the_profile(project: Project) -> None:
    project.job(STATEFUL)
    project.stack(VOLUME)
    actual = configuration(project)
    assert actual["execution.checkpointing.dir"] == f"{HOME}/checkpoints"
    assert actual["execution.checkpointing.savepoint-dir"] == f"{HOME}/savepoints"
    assert actual["high-availability.type"] == "kubernetes"
    assert actual["high-availability.storageDir"] == f"{HOME}/ha"
    assert actual["execution.checkpointing.interval"] == "1 min"
    for key in ("job.restart.failed", "cluster.health-check.enabled", "jm-deployment-recovery.enabled"):
        assert actual[f"kubernetes.operator.{key}"] == "true"


def test_state_page_documents_the_savepoint_history(project: Project) -> None:
    """Their files: nothing in the profile keeps the operator from it."""
    project.job(STATEFUL)
    project.stack(VOLUME)
    actual = configuration(project)
    age, count = (actual[f"kubernetes.operator.savepoint.history.max.{limit}"] for limit in ("age", "count"))
    assert "kubernetes.operator.savepoint.cleanup.enabled" not in actual
    text = " ".join((ROOT / "docs" / "state.md").read_text().split())
    assert (
        f"The operator deletes the files of old savepoints: those older than {age}, and all but the newest {count}."
        in text
    )
    assert "never deleted" not in text


def test_health_check_is_disabled_with_operator_1_7(project: Project) -> None:
    project.job(STATEFUL.replace("v2_2", "v1_19"))
    project.stack({**VOLUME, "operator": {"version": "1.7.0"}})
    actual = configuration(project)
    assert "kubernetes.operator.cluster.health-check.enabled" not in actual
    assert actual["kubernetes.operator.jm-deployment-recovery.enabled"] == "true"


def test_state_claim_is_added_to_the_mounts_of_every_pod(project: Project) -> None:
    own = "  podTemplate:\n    spec:\n      containers: [{name: flink-main-container, volumeMounts: [{name: d, mountPath: /d}]}]\n      volumes: [{name: d, emptyDir: {}}]\n"
    project.job(STATEFUL + own)
    project.stack(VOLUME)
    pod = project.spec()["podTemplate"]["spec"]
    assert [volume for volume in pod["volumes"] if volume["name"] != "d"] == [
        {"name": CLAIM, "persistentVolumeClaim": {"claimName": CLAIM}}
    ]
    assert pod["containers"][0]["volumeMounts"] == [
        {"name": CLAIM, "mountPath": MOUNT},
        {"name": "d", "mountPath": "/d"},
    ]
    assert pod["securityContext"]["fsGroup"] == 9999


def test_existing_state_claim_is_mounted(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume", "folder": "old", "volume": {"claim": "theirs"}}})
    assert project.spec()["podTemplate"]["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "theirs"}
    assert configuration(project)["execution.checkpointing.dir"].startswith(f"file://{MOUNT}/old/flink/")
    assert not project.load().settings.state_storage.makes_claims


@pytest.mark.parametrize("job", [JOB, JOB.replace("    upgradeMode: stateless\n", "")], ids=["stateless", "silent"])
def test_stateless_job_is_unchanged(project: Project, job: str) -> None:
    project.job(job)
    before = project.spec()
    project.stack(VOLUME)
    assert project.spec() == before


def test_nothing_is_derived_without_storage(project: Project) -> None:
    project.job(JOB.replace("  job:\n", "  flinkConfiguration: {execution.checkpointing.dir: 's3://b/c'}\n  job:\n"))
    before = project.spec()
    project.stack({"stateStorage": {"type": "none"}})
    assert project.spec() == before


@pytest.mark.parametrize(
    ("layers", "stateful"),
    [
        ({"jobDefaults": {"upgradeMode": "savepoint"}}, False),  # the job file sets stateless
        ({"jobs": {"word-count": {"upgradeMode": "last-state"}}}, True),
        ({"enforced": {"upgradeMode": "last-state"}}, True),
        ({"jobs": {"word-count": {"upgradeMode": "savepoint"}}, "enforced": {"upgradeMode": "stateless"}}, False),
        ({"jobs": {"word-count": {"spec": {"job": {"upgradeMode": "savepoint"}}}}}, True),
        ({"jobs": {"word-count": {"spec": {"job": {"upgradeMode": None}}}}, "jobDefaults": {"upgradeMode": "savepoint"}}, False),
    ],
)  # fmt: skip
def test_upgrade_mode_is_the_merged_one(project: Project, layers: dict[str, Any], stateful: bool) -> None:
    project.stack({**VOLUME, **layers})
    [job] = project.load().jobs
    assert job.keeps_state is stateful
    assert ("execution.checkpointing.dir" in configuration(project)) is stateful
    assert job.mounts(CLAIM) is stateful


def test_job_file_without_upgrade_mode_gets_that_of_the_defaults(project: Project) -> None:
    project.job(JOB.replace("    upgradeMode: stateless\n", ""))
    project.stack({**VOLUME, "jobDefaults": {"upgradeMode": "last-state"}})
    assert project.load().jobs[0].keeps_state


@pytest.mark.parametrize(
    ("own", "removed"),
    [
        ("execution.checkpointing.dir", None),
        ("state.checkpoints.dir", "execution.checkpointing.dir"),
        ("state.savepoints.dir", "execution.checkpointing.savepoint-dir"),
        ("state.checkpoints.num-retained", "execution.checkpointing.num-retained"),
        ("high-availability", "high-availability.type"),
        ("kubernetes.operator.job.restart.failed", None),
        ("kubernetes.operator.reconciler.jm-deployment-recovery.enabled", "kubernetes.operator.jm-deployment-recovery.enabled"),
    ],
)  # fmt: skip
def test_option_under_any_name_replaces_the_derived_one(project: Project, own: str, removed: str | None) -> None:
    value = {"high-availability": "zookeeper"}.get(own, "true" if "operator" in own else "s3://b/own")
    project.job(STATEFUL.replace("  job:\n", f"  flinkConfiguration: {{{own}: '{value}'}}\n  job:\n"))
    project.stack(VOLUME)
    assert configuration(project)[own] == value
    assert removed not in configuration(project)


def test_operator_configuration_overrides_derived_values(project: Project) -> None:
    project.job(STATEFUL)
    own = {
        "kubernetes.operator.periodic.savepoint.interval": "1 h",
        "kubernetes.operator.default-configuration.namespace.flink.execution.checkpointing.interval": "5 s",
    }
    project.stack({**VOLUME, "operator": {"configuration": own}})
    assert not {"kubernetes.operator.periodic.savepoint.interval", "execution.checkpointing.interval"} & set(
        configuration(project)
    )


def test_null_removes_a_derived_value(project: Project) -> None:
    project.job(STATEFUL)
    key = "kubernetes.operator.periodic.savepoint.interval"
    project.stack({**VOLUME, "jobDefaults": {"flinkConfiguration": {key: None}}})
    assert key not in configuration(project)


@pytest.mark.parametrize("off", [None, "NONE"])
def test_disabled_high_availability_has_no_directory(project: Project, off: str | None) -> None:
    project.job(STATEFUL)
    project.stack({**VOLUME, "jobs": {"word-count": {"flinkConfiguration": {"high-availability.type": off}}}})
    assert "high-availability.storageDir" not in configuration(project)
    assert configuration(project).get("high-availability.type") == off


def test_partly_removed_high_availability_is_an_error(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({**VOLUME, "jobs": {"word-count": {"flinkConfiguration": {"high-availability.storageDir": None}}}})
    [finding] = project.problems()
    assert "enables high availability without a directory for its data; set high-availability.storageDir" in finding
    project.stack(
        {**VOLUME, "jobs": {"word-count": {"flinkConfiguration": {"execution.checkpointing.savepoint-dir": None}}}}
    )
    [finding] = project.problems()
    assert "spec.job.upgradeMode: is savepoint, but no savepoint directory is set" in finding


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("v1_16", ("state.checkpoints.dir", "state.savepoints.dir", "high-availability")),
        ("v1_19", ("state.checkpoints.dir", "state.savepoints.dir", "high-availability.type")),
        ("v1_20", ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "high-availability.type")),
        ("v2_2", ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "high-availability.type")),
    ],
)
def test_names_are_those_of_the_flink_version(project: Project, version: str, names: tuple[str, ...]) -> None:
    project.job(STATEFUL.replace("v2_2", version))
    project.stack(VOLUME)
    assert [key for key in configuration(project) if key in names] == list(names)
    assert not [remark for remark in project.remarks() if "unknown option of" in remark]


def test_names_are_those_of_the_operator_version(project: Project) -> None:
    """Operator 1.7.0 knows no newer names: it would refuse the job."""
    project.job(STATEFUL.replace("v2_2", "v1_19"))
    project.stack({**VOLUME, "operator": {"version": "1.7.0"}})
    assert configuration(project)["state.savepoints.dir"] == f"{HOME}/savepoints"
    assert "execution.checkpointing.savepoint-dir" not in configuration(project)


def test_a_blue_green_job_has_it_in_its_template(project: Project) -> None:
    head, _, spec = STATEFUL.replace("kind: FlinkDeployment", "kind: FlinkBlueGreenDeployment").partition("spec:\n")
    project.job(head + "spec:\n  template:\n    spec:\n" + "".join(f"    {line}\n" for line in spec.splitlines()))
    project.stack(VOLUME)
    inner = project.spec()["template"]["spec"]
    assert inner["flinkConfiguration"]["execution.checkpointing.dir"] == f"{HOME}/checkpoints"
    assert inner["podTemplate"]["spec"]["volumes"][0]["name"] == CLAIM
    assert project.load().jobs[0].mounts(CLAIM)


def test_restore_from_gives_path_and_nonce(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({**VOLUME, "jobs": {"word-count": {"restoreFrom": "s3://b/savepoint-1"}}})
    job = project.spec()["job"]
    assert job["initialSavepointPath"] == "s3://b/savepoint-1"
    assert job["savepointRedeployNonce"] == restored_from("s3://b/savepoint-1")["savepointRedeployNonce"]
    assert project.load().jobs[0].origin(("job", "initialSavepointPath")).startswith("jobs.word-count (Pulumi.x.yaml:")


@given(st.text(max_size=20).filter(NONE.__ne__), st.text(max_size=20).filter(NONE.__ne__))
def test_nonce_changes_only_with_the_path(one: str, other: str) -> None:
    first, second = restored_from(one), restored_from(other)
    assert (first["savepointRedeployNonce"] == second["savepointRedeployNonce"]) is (one == other)
    assert 0 <= int(str(first["savepointRedeployNonce"])) < 2**32


def restored(project: Project, config: dict[str, Any], name: str = "word-count") -> object:
    """The path of the job in a stack with that config."""
    project.stack({**VOLUME, **config})
    return project.spec(name)["job"].get("initialSavepointPath")


def test_restore_from_of_all_jobs_applies_to_stateful_jobs(project: Project) -> None:
    project.job(STATEFUL)
    project.job(JOB.replace("word-count", "batch"), "batch.yaml")
    for source in ("jobDefaults", "enforced"):
        assert restored(project, {source: {"restoreFrom": "latest"}}) == "latest"
        assert restored(project, {source: {"restoreFrom": "latest"}}, "batch") is None


def test_none_overrides_restore_from_of_all_jobs(project: Project) -> None:
    project.job(STATEFUL)
    own = {"word-count": {"restoreFrom": "none"}}
    assert restored(project, {"jobDefaults": {"restoreFrom": "latest"}, "jobs": own}) is None
    assert "savepointRedeployNonce" not in project.spec()["job"]
    assert restored(project, {"enforced": {"restoreFrom": "latest"}, "jobs": own}) == "latest"


def test_a_path_in_the_job_file_wins_over_the_defaults_with_its_nonce(project: Project) -> None:
    project.job(STATEFUL + "    initialSavepointPath: s3://b/own\n")
    assert restored(project, {"jobDefaults": {"restoreFrom": "latest"}}) == "s3://b/own"
    assert "savepointRedeployNonce" not in project.spec()["job"]
    assert project.load().jobs[0].restore_request is None


def test_a_resolved_job_starts_from_the_path_and_records_the_request(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({**VOLUME, "jobs": {"word-count": {"restoreFrom": "latest"}}})
    [job] = project.load().jobs
    assert job.restore_request == "latest"
    resolved = job.restored("latest", "s3://b/savepoint-1")
    assert job_of(resolved.spec) == {**(job_of(job.spec) or {}), **restored_from("s3://b/savepoint-1")}
    metadata = cast(dict[str, Any], resolved.manifest["metadata"])
    assert metadata["annotations"] == {"flink-k8s/restored-from": "latest s3://b/savepoint-1"}
    assert resolved.restore_request is None


def test_a_resolved_blue_green_job_starts_from_the_path_in_its_template(project: Project) -> None:
    project.job(BLUE_GREEN)
    project.stack({"jobs": {"shop": {"restoreFrom": "latest"}}})
    [job] = project.load().jobs
    assert (job_of(job.restored("latest", "s3://b/1").spec) or {})["initialSavepointPath"] == "s3://b/1"


KEY = "kubernetes.operator.job.savepoint-on-deletion"


def test_savepoint_on_deletion_in_defaults_applies_to_stateful_jobs(project: Project) -> None:
    project.job(JOB.replace("word-count", "batch"), "batch.yaml")
    project.job(STATEFUL)
    project.stack({**VOLUME, "jobDefaults": {"savepointOnDeletion": True}})
    assert configuration(project)[KEY] == "true"
    assert KEY not in configuration(project, "batch")
    project.stack({**VOLUME, "jobDefaults": {"savepointOnDeletion": True}, "enforced": {"savepointOnDeletion": False}})
    assert configuration(project)[KEY] == "false"


@pytest.mark.parametrize(
    ("config", "protected"),
    [
        ({}, False),
        ({"protectJobs": True}, True),
        ({"protectJobs": True, "jobs": {"word-count": {"protect": False}}}, False),
        ({"jobDefaults": {"protect": True}}, True),
        ({"jobs": {"word-count": {"protect": True}}, "enforced": {"protect": False}}, False),
    ],
)
def test_jobs_and_claims_are_protected(project: Project, config: dict[str, Any], protected: bool) -> None:
    project.stack(config)
    [job] = project.load().jobs
    assert job.is_protected is protected
