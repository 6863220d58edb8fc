"""What a job is given for each kind of store: plugin, configuration, credentials, and for session clusters and their jobs."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.state_model import StateStorage
from flink_k8s.facts.versions import FLINK_IMAGES, OPERATORS
from flink_k8s.resolve.file_system import plugin_jar
from flink_k8s.resolve.state_storage import CLAIM
from tests.unit.project import JOB, Project

STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: last-state")
KEY = {"secret": "s", "key": "k"}
S3: dict[str, Any] = {"type": "s3", "uri": "s3://bucket/state/"}
AZURE: dict[str, Any] = {"type": "azure", "uri": "abfss://box@acc.dfs.core.windows.net/state"}
GCS: dict[str, Any] = {"type": "gcs", "uri": "gs://bucket"}


def given_by(project: Project, storage: dict[str, Any], job: str = STATEFUL) -> tuple[dict[str, str], dict[str, Any]]:
    """Configuration and environment of the job."""
    project.job(job)
    project.stack({"stateStorage": storage})
    spec = project.spec()
    [container] = spec["podTemplate"]["spec"]["containers"]
    return spec["flinkConfiguration"], {item["name"]: item for item in container.get("env", [])}


def test_s3_derives_directories_and_plugin_only(project: Project) -> None:
    configuration, env = given_by(project, S3)
    assert configuration["execution.checkpointing.dir"] == "s3://bucket/state/x/flink/word-count/checkpoints"
    assert configuration["high-availability.storageDir"] == "s3://bucket/state/x/flink/word-count/ha"
    assert list(env.values()) == [{"name": "ENABLE_BUILT_IN_PLUGINS", "value": "flink-s3-fs-presto-2.2.1.jar"}]
    assert not [key for key in configuration if key.startswith("s3.")]
    assert not [remark for remark in project.remarks() if "image" not in remark]


def test_s3_compatible_store(project: Project) -> None:
    more = {"endpoint": "http://minio:9000", "region": "eu-west-1", "credentials": {"accessKey": KEY, "secretKey": KEY}}
    configuration, env = given_by(project, {**S3, **more})
    assert configuration["s3.endpoint"] == "http://minio:9000"
    assert configuration["s3.path.style.access"] == "true"
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    assert env["AWS_ACCESS_KEY_ID"] == {"name": "AWS_ACCESS_KEY_ID", "valueFrom": reference}
    assert env["AWS_SECRET_ACCESS_KEY"]["valueFrom"] == reference
    assert env["AWS_REGION"]["value"] == configuration["s3.endpoint.region"] == "eu-west-1"
    configuration, _ = given_by(project, {**S3, **more, "pathStyle": False})
    assert "s3.path.style.access" not in configuration


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_hadoop_client_gets_the_role_of_the_account(project: Project, scheme: str) -> None:
    role = {"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/flink"}}
    configuration, _ = given_by(project, {**S3, "uri": f"{scheme}://bucket", **role})
    assert ("fs.s3a.aws.credentials.provider" in configuration) is (scheme == "s3a")


def test_azure_by_key_and_by_identity(project: Project) -> None:
    configuration, env = given_by(project, {**AZURE, "credentials": {"accountKey": KEY}})
    assert configuration["fs.azure.account.key.acc.dfs.core.windows.net"] == "${env.AZURE_STORAGE_KEY}"
    assert env["AZURE_STORAGE_KEY"]["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "k"}}
    assert env["ENABLE_BUILT_IN_PLUGINS"]["value"] == "flink-azure-fs-hadoop-2.2.1.jar"
    identity = {"managedIdentity": {"tenant": "t", "clientId": "c"}}
    configuration, env = given_by(project, {**AZURE, **identity})
    host = "acc.dfs.core.windows.net"
    assert configuration[f"fs.azure.account.auth.type.{host}"] == "OAuth"
    assert configuration[f"fs.azure.account.oauth2.msi.tenant.{host}"] == "t"
    assert configuration[f"fs.azure.account.oauth2.client.id.{host}"] == "c"
    assert "AZURE_STORAGE_KEY" not in env


def test_gcs_with_a_key_file_and_an_endpoint(project: Project) -> None:
    more = {"credentials": {"serviceAccountKey": KEY}, "endpoint": "http://gcs:4443/"}
    configuration, env = given_by(project, {**GCS, **more})
    assert configuration["gs.storage.root.url"] == "http://gcs:4443"
    pod = project.spec()["podTemplate"]["spec"]
    [volume], [mount] = pod["volumes"], pod["containers"][0]["volumeMounts"]
    assert volume["secret"] == {"secretName": "s", "items": [{"key": "k", "path": "key.json"}]}
    assert env["GOOGLE_APPLICATION_CREDENTIALS"]["value"] == f"{mount['mountPath']}/key.json"
    assert mount["readOnly"] is True
    assert not [remark for remark in project.remarks() if "image" not in remark]


@pytest.mark.parametrize("storage", [S3, AZURE, GCS], ids=lambda storage: storage["type"])
def test_configuration_contains_no_credentials(project: Project, storage: dict[str, Any]) -> None:
    keys = {"s3": ["accessKey", "secretKey"], "azure": ["accountKey"], "gcs": ["serviceAccountKey"]}[storage["type"]]
    credentials = {name: {"secret": "my-secret-object", "key": "my-secret-key"} for name in keys}
    configuration, _ = given_by(project, {**storage, "credentials": credentials})
    assert "my-secret" not in json.dumps(configuration)


@pytest.mark.parametrize(
    ("uri", "plugin", "image", "flink", "jar"),
    [
        ("s3://b", None, "flink:2.2.0-scala_2.12", "2.2", "flink-s3-fs-presto-2.2.0.jar"),
        ("s3p://b", None, "my.registry/flink:1.20.3", "1.20", "flink-s3-fs-presto-1.20.3.jar"),
        ("s3a://b", None, "my-own:7", "2.2", "flink-s3-fs-hadoop-2.2.1.jar"),
        ("s3://b", "flink-s3-fs-native", "my-own:7", "2.3", "flink-s3-fs-native-2.3.0.jar"),
        ("s3://b", "flink-s3-fs-hadoop-2.2.0.jar", "flink:2.2.1", "2.2", "flink-s3-fs-hadoop-2.2.0.jar"),
        ("s3://b", False, "flink:2.2.1", "2.2", None),
        ("s3://b", None, "my-own:7", "9.9", None),
    ],
)
def test_the_jar_has_the_version_of_the_image(uri: str, plugin: Any, image: str, flink: str, jar: str | None) -> None:
    storage = StateStorage.model_validate({"type": "s3", "uri": uri, "plugin": plugin})
    assert plugin_jar(storage, image, flink) == jar


def test_every_flink_of_the_operator_that_has_images_is_known() -> None:
    known = {f"v{minor.replace('.', '_')}" for minor in FLINK_IMAGES}
    assert known <= set(OPERATORS["1.16.1"].flink)
    assert set(OPERATORS["1.16.1"].flink) - known == {"v2_4"}  # not released yet
    for minor, full in FLINK_IMAGES.items():
        assert full.startswith(f"{minor}.")


def test_environment_of_the_job_overrides_derived_variables(project: Project) -> None:
    project.job(STATEFUL)
    own = {"ENABLE_BUILT_IN_PLUGINS": "a.jar", "AWS_ACCESS_KEY_ID": "mine"}
    credentials = {"accessKey": KEY, "secretKey": KEY}
    project.stack({"stateStorage": {**S3, "credentials": credentials}, "jobs": {"word-count": {"env": own}}})
    [container] = project.spec()["podTemplate"]["spec"]["containers"]
    env = {item["name"]: item for item in container["env"]}
    assert env["ENABLE_BUILT_IN_PLUGINS"] == {"name": "ENABLE_BUILT_IN_PLUGINS", "value": "a.jar"}
    assert env["AWS_ACCESS_KEY_ID"] == {"name": "AWS_ACCESS_KEY_ID", "value": "mine"}


def test_plugins_of_the_jobs_own_without_the_stores_are_a_warning(project: Project) -> None:
    project.job(STATEFUL.replace("pyflink:dev", "flink:2.2.1"))
    own = {"env": {"ENABLE_BUILT_IN_PLUGINS": "flink-s3-fs-hadoop-2.2.1.jar"}}
    project.stack({"stateStorage": {**S3, "uri": "s3p://b"}, "jobs": {"word-count": own}})
    findings = [remark for remark in project.remarks() if "add the jar of flink-s3-fs-presto" in remark]
    assert len(findings) == 3  # a directory each
    project.stack({"stateStorage": {**S3, "uri": "s3://b"}, "jobs": {"word-count": own}})
    assert not [remark for remark in project.remarks() if "add the jar" in remark]


CLUSTER = JOB.partition("  job:\n")[0].replace("word-count", "cluster")
SESSION_JOB = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: session-job}
spec:
  deploymentName: cluster
  job: {jarURI: "https://example.org/job.jar", parallelism: 1, upgradeMode: savepoint}
"""


@pytest.mark.parametrize("storage", [{"type": "volume"}, S3], ids=["volume", "s3"])
def test_a_session_cluster_has_the_storage_and_its_job_directories_of_its_own(
    project: Project, storage: dict[str, Any]
) -> None:
    project.job(CLUSTER)
    project.job(SESSION_JOB, "a.yaml")  # before its cluster
    project.stack({"stateStorage": storage})
    cluster, job = project.spec("cluster"), project.spec("session-job")
    assert cluster["flinkConfiguration"]["high-availability.type"] == "kubernetes"
    assert cluster["flinkConfiguration"]["execution.checkpointing.dir"].endswith("/x/flink/cluster/checkpoints")
    assert cluster["podTemplate"]["spec"]["containers"][0].keys() & {"env", "volumeMounts"}
    own = job["flinkConfiguration"]
    assert own["execution.checkpointing.savepoint-dir"].endswith("/x/flink/session-job/savepoints")
    assert own["kubernetes.operator.periodic.savepoint.interval"] == "6 h"
    assert not [key for key in own if key.startswith("high-availability") or "health-check" in key]
    # An option of one job would apply to all jobs if the cluster had it.
    assert not [key for key in cluster["flinkConfiguration"] if "periodic" in key or "restart.failed" in key]
    assert [job.mounts(CLAIM) for job in project.load().jobs] == [False, storage["type"] == "volume"]


def test_names_of_a_session_job_are_those_of_its_clusters_flink(project: Project) -> None:
    project.job(CLUSTER.replace("v2_2", "v1_19"))
    project.job(SESSION_JOB, "a.yaml")
    project.stack({"stateStorage": S3})
    own = project.spec("session-job")["flinkConfiguration"]
    assert "state.savepoints.dir" in own
    assert "execution.checkpointing.savepoint-dir" not in own


def test_options_of_a_session_cluster_apply_to_its_jobs(project: Project) -> None:
    project.job(CLUSTER + "  flinkConfiguration: {execution.checkpointing.dir: 's3://own/c'}\n")
    project.job(SESSION_JOB, "a.yaml")
    project.stack({"stateStorage": S3})
    assert "execution.checkpointing.dir" not in project.spec("session-job")["flinkConfiguration"]


def test_stateless_session_job_is_unchanged(project: Project) -> None:
    project.job(CLUSTER)
    project.job(SESSION_JOB.replace("savepoint}", "stateless}"), "a.yaml")
    project.stack({"stateStorage": S3})
    assert "flinkConfiguration" not in project.spec("session-job")


def test_a_session_job_on_a_strange_cluster(project: Project) -> None:
    """It has its bucket; whether the external cluster mounts a claim is unknown."""
    project.job(SESSION_JOB, "a.yaml")
    external = {"jobs": {"session-job": {"external": True}}}
    project.stack({"stateStorage": S3, **external})
    assert project.spec("session-job")["flinkConfiguration"]["execution.checkpointing.dir"].startswith("s3://")
    project.stack({"stateStorage": {"type": "volume"}, **external})
    [finding] = project.problems()
    assert (
        "spec.deploymentName: names a cluster that this stack does not declare, so the volume for the job's state is unknown"
        in finding
    )
    own = {"external": True, "flinkConfiguration": {"execution.checkpointing.dir": "s3://b/c"}}
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"session-job": own}})
    assert project.load().jobs


@given(st.sampled_from(["s3", "s3p", "s3a"]), st.sampled_from(sorted(FLINK_IMAGES)), st.text("abc:/.@", max_size=12))
def test_a_jar_is_always_one_of_that_flink(scheme: str, flink: str, image: str) -> None:
    storage = StateStorage.model_validate({"type": "s3", "uri": f"{scheme}://b"})
    assert str(plugin_jar(storage, image, flink)).endswith(f"-{FLINK_IMAGES[flink]}.jar")
