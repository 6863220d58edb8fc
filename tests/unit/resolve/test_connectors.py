"""The pods of a job with `connectors`: the init container, the class path, the plugins and the egress."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.connectors import releases
from flink_k8s.facts.artifacts import CONNECTORS, Artifact, artifacts_of
from flink_k8s.resolve import connectors
from flink_k8s.resolve.connectors import derived_connectors, jars
from tests.unit.project import JOB, Project
from tests.unit.resolve.test_sql import HEADER, STATEMENTS

KAFKA = artifacts_of("kafka", "2.2")[0]
OWN = "org.example:udfs:1.4.0"


def pod_of(project: Project, job: dict[str, Any], **stack: Any) -> dict[str, Any]:
    project.stack({"jobs": {"word-count": job}, **stack})
    return project.spec()["podTemplate"]["spec"]


def test_every_pod_downloads_the_jars_into_a_folder_of_its_class_path(project: Project) -> None:
    pod = pod_of(project, {"connectors": ["kafka", f"{OWN}@{'0' * 64}"]})
    [init] = pod["initContainers"]
    assert init["image"] == "pyflink:dev"
    assert init["args"] == [
        "/opt/flink/lib/connectors",
        f"https://repo1.maven.org/maven2/org/apache/flink/flink-sql-connector-kafka/5.0.0-2.2/{KAFKA.file}#{KAFKA.sha256}",
        f"https://repo1.maven.org/maven2/org/example/udfs/1.4.0/udfs-1.4.0.jar#{'0' * 64}",
    ]
    assert init["securityContext"]["allowPrivilegeEscalation"] is False
    [main] = pod["containers"]
    assert main["volumeMounts"] == [{"name": "connectors", "mountPath": "/opt/flink/lib/connectors", "readOnly": True}]
    assert pod["volumes"] == [{"name": "connectors", "emptyDir": {}}]


def test_a_job_without_connectors_has_no_init_container(project: Project) -> None:
    assert "initContainers" not in pod_of(project, {})
    assert "initContainers" not in pod_of(project, {"connectors": []})


def test_the_mirror_of_the_stack(project: Project) -> None:
    pod = pod_of(project, {"connectors": [OWN]}, mavenRepository="http://nexus.tools:8081/repository/maven/")
    [_, url] = pod["initContainers"][0]["args"]
    assert url == "http://nexus.tools:8081/repository/maven/org/example/udfs/1.4.0/udfs-1.4.0.jar"


def test_the_init_container_has_the_image_and_the_pull_policy_that_are_deployed(project: Project) -> None:
    job = {"connectors": ["kafka"], "spec": {"imagePullPolicy": "IfNotPresent"}}
    [init] = pod_of(project, job, images={"pyflink:dev": "registry.example.org/pyflink:7"})["initContainers"]
    assert init["image"] == "registry.example.org/pyflink:7"
    assert init["imagePullPolicy"] == "IfNotPresent"


def test_a_blue_green_deployment_has_the_jars_in_its_template(project: Project) -> None:
    text = JOB.replace("FlinkDeployment", "FlinkBlueGreenDeployment")
    head, _, spec = text.partition("spec:\n")
    project.job(head + "spec:\n  template:\n    spec:\n" + "".join(f"    {line}\n" for line in spec.splitlines()))
    project.stack({"jobs": {"word-count": {"connectors": ["kafka"]}}})
    inner = project.spec()["template"]["spec"]
    assert inner["podTemplate"]["spec"]["initContainers"][0]["name"] == connectors.CONTAINER


def test_header_of_a_sql_file(project: Project) -> None:
    project.job(HEADER.replace("*/", "connectors: [kafka]\n*/") + STATEMENTS, "totals.sql")
    pod = project.spec("totals")["podTemplate"]["spec"]
    assert KAFKA.file in pod["initContainers"][0]["args"][1]


def test_plugins_are_added_to_those_of_the_state_storage(project: Project) -> None:
    project.job(JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint"))
    storage = {"type": "s3", "uri": "s3p://bucket/state"}
    pod = pod_of(project, {"connectors": ["s3a", "gs"]}, stateStorage=storage)
    [variable] = pod["containers"][0]["env"]
    assert variable == {
        "name": "ENABLE_BUILT_IN_PLUGINS",
        "value": "flink-s3-fs-presto-2.2.1.jar;flink-s3-fs-hadoop-2.2.1.jar;flink-gs-fs-hadoop-2.2.1.jar",
    }
    assert "initContainers" not in pod


def test_network_policy_allows_the_repository(project: Project) -> None:
    mirror = "http://nexus.tools:8081/maven"
    project.stack({"jobs": {"word-count": {"connectors": ["kafka"]}}, "mavenRepository": mirror})
    stack = project.load()
    [job] = stack.jobs
    traffic = stack.traffic(job)
    assert traffic is not None
    assert ("tools", ["8081"]) in [(entry.namespace, entry.ports) for entry in traffic.egress]


def test_a_jar_of_two_connectors_is_downloaded_once() -> None:
    both = jars(["avro-confluent", "org.apache.flink:flink-sql-avro-confluent-registry:2.2.1"], "2.2")
    assert [artifact.name for artifact in both] == ["flink-sql-avro-confluent-registry"]


@pytest.mark.parametrize(
    ("coordinates", "path"),
    [
        ("org.example:a:1", "org/example/a/1/a-1.jar"),
        ("org.example:a:1:shaded", "org/example/a/1/a-1-shaded.jar"),
        (f"a:b:1.0-2.2@{'f' * 64}", "a/b/1.0-2.2/b-1.0-2.2.jar"),
    ],
)
def test_path_of_an_artifact_in_a_repository(coordinates: str, path: str) -> None:
    artifact = Artifact.parse(coordinates)
    assert artifact is not None
    assert artifact.path == path


def test_the_table_has_the_releases_of_the_generator() -> None:
    for name, version, coordinates in releases():
        expected = [Artifact.parse(text) for text in coordinates]
        assert [(item.path) for item in artifacts_of(name, version)] == [item.path for item in expected if item]
    assert {name for name, _, _ in releases()} == set(CONNECTORS)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder and the URL of a Maven repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def fetched(repository: tuple[Path, str], target: Path, connector: str) -> subprocess.CompletedProcess[str]:
    """The result of the init container's command."""
    folder, url = repository
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    artifact = Artifact.parse(OWN)
    assert artifact is not None
    (folder / artifact.path).parent.mkdir(parents=True, exist_ok=True)
    (folder / artifact.path).write_bytes(b"a jar")
    target.mkdir()
    pods: Any = derived_connectors([connector], {"image": "x", "flinkVersion": "v2_2"}, url, {})
    [init] = pods["podTemplate"]["spec"]["initContainers"]
    environment = {variable["name"]: variable["value"] for variable in init["env"]}
    return subprocess.run(
        [*init["command"], str(target), *init["args"][1:]],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
    )


def test_the_init_container_downloads_a_jar(repository: tuple[Path, str], tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a jar").hexdigest()
    result = fetched(repository, tmp_path / "lib", f"{OWN}@{digest}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "lib" / "udfs-1.4.0.jar").read_bytes() == b"a jar"


def test_the_init_container_refuses_a_jar_with_another_digest(repository: tuple[Path, str], tmp_path: Path) -> None:
    result = fetched(repository, tmp_path / "lib", f"{OWN}@{'0' * 64}")
    assert result.returncode == 1
    assert f"instead of {'0' * 64}" in result.stderr
    assert not list((tmp_path / "lib").glob("*.jar"))


def test_the_init_container_names_a_jar_that_does_not_exist(repository: tuple[Path, str], tmp_path: Path) -> None:
    result = fetched(repository, tmp_path / "lib", "org.example:other:1")
    assert result.returncode == 1
    assert "other-1.jar: java.io.IOException: HTTP status 404" in result.stderr
