"""Rules for `stateStorage`, `restoreFrom` and what a job goes on from: each refused, its neighbour not."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.project import JOB, SESSION, Project
from tests.unit.resolve.test_file_system import AZURE, CLUSTER, GCS, KEY, S3

STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint")
AWS = {"accessKey": KEY, "secretKey": KEY}
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/flink"}


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ({"type": "s3"}, "stateStorage: lacks uri, which type s3 requires; set uri: s3://bucket/prefix"),
        ({"type": "azure"}, "stateStorage: lacks uri, which type azure requires; set uri: abfss://container@account.dfs.core.windows.net/prefix"),
        ({"type": "s3", "uri": "gs://b"}, 'stateStorage.uri: is "gs://b", which is not a URI of type s3; write s3://bucket/prefix'),
        ({"type": "s3", "uri": "s3://key:pass@b/x"}, "which is not a URI of type s3"),
        ({"type": "gcs", "uri": "gs://b?x=y"}, "which is not a URI of type gcs"),
        ({"type": "azure", "uri": "abfss://acc.dfs.core.windows.net"}, "which is not a URI of type azure"),
        ({"type": "volume", "uri": "s3://b"}, "stateStorage.uri: applies to type s3 and azure and gcs, not to volume; remove it"),
        ({"uri": "s3://b"}, "stateStorage.uri: applies to type s3 and azure and gcs, not to none; remove it"),
        ({**S3, "volume": {"size": "1Gi"}}, "stateStorage.volume: applies to type volume, not to s3; remove it"),
        ({**GCS, "region": "x"}, "stateStorage.region: applies to type s3, not to gcs; remove it"),
        ({**AZURE, "endpoint": "http://a"}, "stateStorage.endpoint: applies to type s3 and gcs, not to azure; remove it"),
        ({**GCS, "credentials": {"accountKey": KEY}}, "stateStorage.credentials.accountKey: applies to type azure, not to gcs; remove it"),
        ({"type": "volume", "credentials": AWS}, "stateStorage.credentials: applies to type s3 and azure and gcs, not to volume; remove it"),
        ({"type": "volume", "plugin": False}, "stateStorage.plugin: applies to type s3 and azure and gcs, not to volume; remove it"),
        ({**S3, "credentials": {"accessKey": KEY}}, "stateStorage.credentials.accessKey: is set without secretKey; set both or none"),
        ({**S3, "credentials": {"secretKey": KEY}}, "stateStorage.credentials.secretKey: is set without accessKey; set both or none"),
        ({**S3, "credentials": AWS, "serviceAccountAnnotations": ROLE}, "has no effect with credentials; remove one of them"),
        ({**AZURE, "credentials": {"accountKey": KEY}, "managedIdentity": {"tenant": "t", "clientId": "c"}}, "stateStorage.managedIdentity: has no effect with credentials.accountKey; remove one of them"),
        ({"type": "azure", "uri": "wasbs://b@a.blob.core.windows.net"}, "stateStorage.uri: is a wasb uri, which requires a key; set credentials.accountKey, or write an abfss:// uri"),
        ({"type": "azure", "uri": "wasbs://b@a.blob.core.windows.net", "managedIdentity": {"tenant": "t", "clientId": "c"}}, "stateStorage.managedIdentity: is not supported by wasb; write an abfss:// uri"),
        ({**S3, "endpoint": "minio:9000"}, 'stateStorage.endpoint: is "minio:9000", which is not a URL; write a URL such as http://minio.minio:9000'),
        ({**S3, "endpoint": "http://a:99999"}, "which is not a URL"),
        ({**S3, "endpoint": "http://u:p@minio:9000"}, "stateStorage.endpoint: contains a password; remove it and set credentials"),
        ({**S3, "plugin": "s3 please"}, 'stateStorage.plugin: is "s3 please", which is not a plugin of Flink; write a name'),
        ({**S3, "folder": "/x"}, 'stateStorage.folder: is "/x"; write names of letters, digits, . _ and -, separated by /'),
        ({"type": "volume", "volume": {"size": "5 apples"}}, 'stateStorage.volume.size: is "5 apples", which is not a size; write a size such as 5Gi'),
        ({"type": "volume", "volume": {"size": "0"}}, "which is not a size"),
        ({"type": "volume", "volume": {"claim": "c", "size": "1Gi"}}, "stateStorage.volume.size: applies to a new claim, but claim names the existing claim c; remove one of them"),
        ({"type": "disk"}, "stateStorage.type"),
        ({**S3, "plugin": True}, "stateStorage.plugin: is true; write the name of the plugin, or false"),
        ({**S3, "uir": "s3://b"}, 'stateStorage.uir: unknown field; did you mean "uri"?'),
    ],
)  # fmt: skip
def test_incomplete_storage_is_an_error(project: Project, storage: dict[str, Any], message: str) -> None:
    project.stack({"stateStorage": storage})
    problems = project.problems()
    assert len([problem for problem in problems if message in problem]) == 1, problems
    assert all(problem.startswith("Pulumi.x.yaml:") for problem in problems)


@pytest.mark.parametrize(
    "storage",
    [
        {"type": "none"},
        {"type": "volume", "folder": "a/b-c", "volume": {"size": "10Gi", "accessMode": "ReadWriteMany", "storageClass": "nfs"}},
        {"type": "volume", "volume": {"claim": "c"}},
        {**S3, "credentials": AWS, "endpoint": "https://minio.example.org", "pathStyle": False, "region": "eu-west-1"},
        {**S3, "uri": "s3a://b-1.c", "serviceAccountAnnotations": ROLE},
        {**S3, "plugin": False},
        {**S3, "plugin": "flink-s3-fs-hadoop-2.2-SNAPSHOT.jar"},
        {"type": "azure", "uri": "wasb://$root@acc.blob.core.windows.net/x", "credentials": {"accountKey": KEY}},
        {**AZURE, "managedIdentity": {"tenant": "t", "clientId": "c"}},
        {**AZURE},
        {**GCS, "serviceAccountAnnotations": {"iam.gke.io/gcp-service-account": "a@b.iam"}},
    ],
)  # fmt: skip
def test_complete_storage_is_accepted(project: Project, storage: dict[str, Any]) -> None:
    project.job(STATEFUL if storage["type"] != "none" else JOB)
    project.stack({"stateStorage": storage})
    assert project.load().jobs


def test_all_problems_of_the_storage_are_reported_in_one_run(project: Project) -> None:
    project.stack({"stateStorage": {"type": "s3", "endpoint": "x", "credentials": {"accessKey": KEY}, "folder": "/"}})
    assert len(project.problems()) == 4


def test_strict_stack_requires_an_access_mode(project: Project) -> None:
    image = "x@sha256:" + "0" * 64
    project.job(JOB.replace("pyflink:dev", image))
    project.stack({"strict": True, "stateStorage": {"type": "volume"}})
    [finding] = project.problems()
    assert (
        "stateStorage.volume.accessMode: is not set, and the default ReadWriteOnce binds all stateful pods" in finding
    )
    for mode in ("ReadWriteOnce", "ReadWriteMany"):
        project.stack({"strict": True, "stateStorage": {"type": "volume", "volume": {"accessMode": mode}}})
        assert project.load().jobs


def test_a_claim_of_the_same_name_in_a_job_file(project: Project) -> None:
    claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: flink-state}\nspec: {}\n"
    project.job(STATEFUL + claim)
    project.stack({"stateStorage": {"type": "volume"}})
    [finding] = project.problems()
    assert (
        'metadata.name: "flink-state" is the name of the claim that the program creates; choose another name' in finding
    )
    project.stack({"stateStorage": {"type": "volume", "volume": {"claim": "flink-state"}}})
    assert project.load().jobs


@pytest.mark.parametrize("mode", ["savepoint", "last-state"])
def test_state_and_no_place_for_it(project: Project, mode: str) -> None:
    project.job(JOB.replace("upgradeMode: stateless", f"upgradeMode: {mode}"))
    [finding] = project.problems()
    assert f"spec.job.upgradeMode: is {mode}" in finding
    assert "; set stateStorage in the stack file, or execution.checkpointing.dir" in finding


@pytest.mark.parametrize(
    ("job", "storage", "remarks"),
    [
        ("    upgradeMode: stateless\n", "volume", 0),
        ("    upgradeMode: savepoint\n", "volume", 0),
        ("", "volume", 1),
        ("", "none", 0),
        ("  flinkConfiguration: {execution.runtime-mode: BATCH}\n", "volume", 0),
        ("  flinkConfiguration: {execution.runtime-mode: STREAMING}\n", "volume", 1),
    ],
)
def test_job_without_upgrade_mode_is_a_warning(project: Project, job: str, storage: str, remarks: int) -> None:
    project.job(JOB.replace("    upgradeMode: stateless\n", "") + job)
    project.stack({"stateStorage": {"type": storage}})
    findings = [remark for remark in project.remarks() if "spec.job.upgradeMode" in remark]
    assert len(findings) == remarks
    assert all("is not set, so each change starts the job from empty state" in remark for remark in findings)


def test_stateless_job_with_checkpoints_has_one_warning(project: Project) -> None:
    silent = JOB.replace("    upgradeMode: stateless\n", "")
    project.job(silent + "  flinkConfiguration: {execution.checkpointing.interval: 1 s}\n")
    project.stack({"stateStorage": {"type": "volume"}})
    [finding] = [remark for remark in project.remarks() if "spec.job.upgradeMode" in remark]
    assert "is stateless although checkpoints are enabled" in finding


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"jobDefaults": {"restoreFrom": "s3://b/s"}}, "jobDefaults.restoreFrom: would start every job from the state of one"),
        ({"enforced": {"restoreFrom": "s3://b/s"}}, "enforced.restoreFrom: would start every job from the state of one"),
        ({"jobDefaults": {"restoreFrom": "evening"}}, "jobDefaults.restoreFrom: would start every job from the state of one"),
        ({"enforced": {"restoreFrom": "2026-13-01"}}, 'enforced.restoreFrom: is "2026-13-01", which is not a time; write latest'),
        ({"jobs": {"word-count": {"restoreFrom": "the newest"}}}, 'jobs.word-count.restoreFrom: is "the newest", which has an unknown form'),
        ({"jobs": {"cluster": {"restoreFrom": "s3://b/s"}}}, "FlinkDeployment cluster runs no job"),
    ],
)  # fmt: skip
def test_restore_from_names_one_job_and_one_savepoint(project: Project, config: dict[str, Any], message: str) -> None:
    project.job(CLUSTER, "cluster.yaml")
    project.stack(config)
    problems = project.problems()
    assert [message in problem for problem in problems] == [True], problems


@pytest.mark.parametrize("path", ["s3://b/savepoint-1", "file:///flink-state/savepoint-1", "/flink-state/savepoint-1"])
def test_restore_from_of_a_job(project: Project, path: str) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"word-count": {"restoreFrom": path}}})
    assert project.spec()["job"]["initialSavepointPath"] == path


@pytest.mark.parametrize("request_text", ["latest", "2026-11-29T14:00", "evening"])
def test_a_request_that_the_cluster_resolves_is_a_notice(project: Project, request_text: str) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"word-count": {"restoreFrom": request_text}}})
    [remark] = [remark for remark in project.remarks() if "restoreFrom" in remark]
    assert remark == (
        f'notice: Pulumi.x.yaml:7: jobs.word-count.restoreFrom: is "{request_text}"; '
        "preview and up resolve it to a path in the cluster and print the path"
    )


@pytest.mark.parametrize("source", ["jobDefaults", "enforced"])
@pytest.mark.parametrize("request_text", ["latest", "2026-11-29T14:00+01:00", "none"])
def test_all_jobs_restore_their_own_state(project: Project, source: str, request_text: str) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}, source: {"restoreFrom": request_text}})
    assert project.load().jobs[0].restore_request == (None if request_text == "none" else request_text)


def test_savepoint_on_deletion_requires_a_directory(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"savepointOnDeletion": True}}})
    [finding] = project.problems()
    assert (
        "jobs.word-count.savepointOnDeletion: requires a savepoint directory; set execution.checkpointing.savepoint-dir"
        in finding
    )
    project.stack({"jobs": {"word-count": {"savepointOnDeletion": False}}})
    assert project.load().jobs
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"word-count": {"savepointOnDeletion": True}}})
    assert project.load().jobs


@pytest.mark.parametrize("is_requested", [True, False])
def test_savepoint_on_deletion_of_a_blue_green_deployment_is_reported(project: Project, *, is_requested: bool) -> None:
    head, _, spec = STATEFUL.replace("kind: FlinkDeployment", "kind: FlinkBlueGreenDeployment").partition("spec:\n")
    project.job(head + "spec:\n  template:\n    spec:\n" + "".join(f"    {line}\n" for line in spec.splitlines()))
    project.stack({"stateStorage": {"type": "volume"}, "jobDefaults": {"savepointOnDeletion": is_requested}})
    matches = [
        str(remark) for remark in project.load().remarks if "has no effect for a blue/green deployment" in str(remark)
    ]
    assert len(matches) == is_requested
    assert all("jobDefaults.savepointOnDeletion" in item for item in matches)


DIRECTORIES = "  flinkConfiguration: {execution.checkpointing.dir: 'file:///data/c', execution.checkpointing.savepoint-dir: 'file:///data/s'}\n"


@pytest.mark.parametrize(
    ("volume", "mount", "remarks"),
    [
        ("{name: d, persistentVolumeClaim: {claimName: c}}", "/data", 0),
        ("{name: d, persistentVolumeClaim: {claimName: c}}", "/data/", 0),
        ("{name: d, persistentVolumeClaim: {claimName: c}}", "/dat", 2),
        ("{name: d, persistentVolumeClaim: {claimName: c}}", "/data/c", 1),
        ("{name: d, emptyDir: {}}", "/data", 2),
        ("{name: d, ephemeral: {volumeClaimTemplate: {}}}", "/data", 2),
        ("{name: d, secret: {secretName: s}}", "/data", 2),
        ("{name: d, csi: {driver: file.csi.azure.com, volumeAttributes: {shareName: s}}}", "/data", 0),
    ],
)
def test_state_directory_inside_of_a_pod_is_a_warning(project: Project, volume: str, mount: str, remarks: int) -> None:
    container = f"{{name: flink-main-container, volumeMounts: [{{name: d, mountPath: {mount}}}]}}"
    template = f"  podTemplate: {{spec: {{volumes: [{volume}], containers: [{container}]}}}}\n"
    project.job(STATEFUL + DIRECTORIES + template)
    findings = [remark for remark in project.remarks() if "pod and is lost with the pod" in remark]
    assert len(findings) == remarks


CLAIM = "podTemplate: {spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: c}}], containers: [{name: flink-main-container, volumeMounts: [{name: d, mountPath: /data}]}]}}"


@pytest.mark.parametrize(("process", "lacking"), [("jobManager", "TaskManager"), ("taskManager", "JobManager")])
def test_checkpoint_volume_must_be_mounted_in_both_processes(project: Project, process: str, lacking: str) -> None:
    text = (STATEFUL + DIRECTORIES).replace(f"{process}: {{", f"{process}: {{{CLAIM}, ")
    assert CLAIM in text
    project.job(text)
    findings = [remark for remark in project.remarks() if "pod and is lost with the pod" in remark]
    assert len(findings) == 2
    assert all(f"inside of the {lacking}'s pod" in remark for remark in findings)


HA_IN_POD = {"high-availability.type": "kubernetes", "high-availability.storageDir": "file:///tmp/ha"}


def test_a_session_cluster_keeps_its_jobs_in_high_availabilitys_data(project: Project) -> None:
    project.job(SESSION)
    assert not [remark for remark in project.remarks() if "pod and is lost with the pod" in remark]
    project.stack({"jobs": {"session": {"flinkConfiguration": HA_IN_POD}}})
    [finding] = [remark for remark in project.remarks() if "pod and is lost with the pod" in remark]
    assert "high-availability.storageDir" in finding
    assert finding.startswith("warning: ")
    project.stack({"strict": True, "jobs": {"session": {"flinkConfiguration": HA_IN_POD}}})
    assert [problem for problem in project.problems() if "pod and is lost with the pod" in problem]


def test_directories_of_the_operators_configuration_count_too(project: Project) -> None:
    project.job(STATEFUL)
    configuration = {"execution.checkpointing.dir": "file:///tmp/c", "state.savepoints.dir": "file:///tmp/s"}
    project.stack({"operator": {"configuration": configuration}})
    assert len([remark for remark in project.remarks() if "pod and is lost with the pod" in remark]) == 2


def test_a_path_without_a_scheme_is_in_the_default_file_system(project: Project) -> None:
    paths = {"execution.checkpointing.dir": "/c", "execution.checkpointing.savepoint-dir": "/s"}
    project.job(STATEFUL)
    for scheme, warnings in ({}, 2), ({"fs.default-scheme": "hdfs://name:9000"}, 0):
        project.stack({"jobs": {"word-count": {"flinkConfiguration": {**paths, **scheme}}}})
        assert len([remark for remark in project.remarks() if "pod and is lost with the pod" in remark]) == warnings


def test_a_batch_job_keeps_no_state(project: Project) -> None:
    batch = "  flinkConfiguration: {execution.runtime-mode: BATCH, execution.checkpointing.dir: 'file:///tmp/c'}\n"
    project.job(JOB + batch)
    assert not [remark for remark in project.remarks() if "pod and is lost with the pod" in remark]


LAST = JOB.replace("upgradeMode: stateless", "upgradeMode: last-state")
HA = {"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/ha"}
NO_HA = {"high-availability.type": "none", "high-availability.storageDir": None}
JOB_CANCEL = {"kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"}
RETENTION = "execution.checkpointing.externalized-checkpoint-retention"
DELETES = {RETENTION: "DELETE_ON_CANCELLATION"}
PROBLEM = "so Flink deletes the checkpoint that the job would continue from; write RETAIN"


@pytest.mark.parametrize(
    ("mode", "configuration", "refused"),
    [
        ("last-state", {**DELETES, **NO_HA}, True),
        ("last-state", {RETENTION: "no_externalized_checkpoints", **NO_HA}, True),
        ("last-state", {**DELETES, **HA, **JOB_CANCEL}, True),
        ("last-state", {**DELETES, **HA}, False),
        ("last-state", {RETENTION: "RETAIN_ON_CANCELLATION", **NO_HA}, False),
        ("last-state", {RETENTION: None, **NO_HA}, False),
        ("savepoint", {**DELETES, **NO_HA}, False),
        ("stateless", DELETES, False),
    ],
)
def test_checkpoint_deleted_by_a_cancellation_is_an_error(
    project: Project, mode: str, configuration: dict[str, Any], *, refused: bool
):
    """The operator cancels the job for its last state without high availability, or if it is configured to."""
    project.job(JOB.replace("upgradeMode: stateless", f"upgradeMode: {mode}"))
    job = {"flinkConfiguration": configuration}
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"word-count": job}})
    if not refused:
        assert project.load().jobs
        return
    [finding] = project.problems()
    assert (
        f'flinkConfiguration["{RETENTION}"]: is {configuration[RETENTION]}, but the operator cancels this job for last-state, {PROBLEM}'
        in finding
    )


def test_a_session_job_is_always_cancelled(project: Project):
    """Also with high availability; an operator without last state for session jobs reports that itself."""
    project.job(SESSION.replace("upgradeMode: stateless", "upgradeMode: last-state"), "session.yaml")
    config = {"stateStorage": {"type": "volume"}, "jobs": {"in-session": {"flinkConfiguration": dict(DELETES)}}}
    project.stack(config)
    [finding] = project.problems()
    assert PROBLEM in finding
    project.stack({**config, "jobs": {"in-session": {"flinkConfiguration": {RETENTION: "RETAIN_ON_CANCELLATION"}}}})
    assert project.load().jobs


def test_an_operator_that_never_cancels_for_the_last_state_leaves_its_checkpoint(project: Project):
    project.job(LAST.replace("v2_2", "v1_18"))
    job = {"flinkConfiguration": {**DELETES, **JOB_CANCEL}}
    project.stack({"stateStorage": {"type": "volume"}, "operator": {"version": "1.7.0"}, "jobs": {"word-count": job}})
    assert project.load().jobs


BUCKET = {"type": "s3", "uri": "s3p://b/flink"}


def other_stack(project: Project, **config: Any) -> None:
    """Another stack of the project, in another cluster."""
    keys = {f"flink-k8s:{key}": value for key, value in {"context": "other", **config}.items()}
    (project.root / "Pulumi.standby.yaml").write_text(yaml.safe_dump({"config": keys}))


def test_a_job_that_two_stacks_run_with_the_same_directories_is_an_error(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET})
    other_stack(project, stateStorage={**BUCKET, "uri": "s3p://b/flink/", "folder": "x"})
    [problem] = project.problems()
    assert "stateStorage: contains the state of flink/word-count, which the stack standby also runs" in problem
    assert project.broken_rules() == {"shared-state"}


@pytest.mark.parametrize(
    "config",
    [
        {"stateStorage": BUCKET},
        {"stateStorage": {**BUCKET, "folder": "x", "endpoint": "http://minio:9000"}},
        {"stateStorage": {**BUCKET, "folder": "x"}, "enforced": {"enabled": False}},
        {"stateStorage": {**BUCKET, "folder": "x"}, "enforced": {"state": "suspended"}},
        {"stateStorage": {**BUCKET, "folder": "x"}, "enforced": {"namespace": "other"}, "namespaces": {"other": {}}},
        {"stateStorage": {**BUCKET, "folder": "x"}, "enforced": {"upgradeMode": "stateless"}},
    ],
    ids=["folder", "endpoint", "disabled", "suspended", "namespace", "stateless"],
)
def test_stacks_with_one_bucket_that_do_not_run_the_same_job(project: Project, config: dict[str, Any]) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET})
    other_stack(project, **config)
    assert [job.name for job in project.load().jobs] == ["word-count"]


def test_problems_of_another_stack_are_not_those_of_this_stack(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET})
    for text in ("config: [s3p://b/flink", "config: {flink-k8s:stateStorage: {uri: s3p://b/flink, folder: x}}"):
        (project.root / "Pulumi.standby.yaml").write_text(text)
        assert [job.name for job in project.load().jobs] == ["word-count"]
