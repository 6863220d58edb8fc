"""A jar from a Maven repository and from the project, through a claim and through a bucket, to a running job."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from sandbox.images import BUCKETS
from tests.e2e.maven_repository import download, maven_repository
from tests.e2e.object_store import BUCKET, create_keys, object_store, state_storage
from tests.e2e.running_totals import NAMESPACE, RunningTotals
from tests.project import ROOT, Project
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

FLINK = "2.2.1"
JOB = "numbers"
COORDINATES = f"org.example:{JOB}:1.0"
LIBRARIES = ("flink-annotations", "flink-core", "flink-core-api", "flink-runtime", "flink-streaming-java")


def manifest(jar: str, image: str = "pyflink:dev", version: str = "v2_2") -> str:
    size = {"resource": {"memory": "1600m", "cpu": 0.2}}
    spec = {
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "flinkVersion": version,
        "jobManager": size,
        "taskManager": size,
        "job": {"jarURI": jar, "entryClass": "Numbers", "parallelism": 1, "upgradeMode": "stateless"},
    }
    kind = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": JOB}}
    return json.dumps({**kind, "spec": spec})


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar of a job without end."""
    folder = tmp_path_factory.mktemp("jar")
    for library in LIBRARIES:
        download(f"org.apache.flink:{library}:{FLINK}", folder / "lib")
    source = ROOT / "tests" / "data" / "jar" / "Numbers.java"
    compiler = ["javac", "--release", "11", "-cp", f"{folder / 'lib'}/*", "-d", folder / "classes", source]
    subprocess.run(compiler, check=True)
    subprocess.run(["jar", "cf", folder / f"{JOB}.jar", "-C", folder / "classes", "."], check=True)
    return folder / f"{JOB}.jar"


@pytest.fixture(scope="module")
def repository(no_stack: None, kubectl: Kubectl, jar: Path) -> Generator[str]:
    """A Maven repository with the jar."""
    with maven_repository(kubectl, {COORDINATES: jar}) as url:
        yield url


def test_jars_through_a_repository_and_a_claim(engine: Project, kubectl: Kubectl, repository: str, jar: Path) -> None:
    platform = engine.copy({"numbers.yaml": manifest(f"maven:{COORDINATES}")})
    job = RunningTotals(kubectl, platform.folder, list, name=JOB)
    connectors = [f"{COORDINATES}@{hashlib.sha256(jar.read_bytes()).hexdigest()}"]
    config: dict[str, Any] = {"mavenRepository": repository, "jobs": {JOB: {"connectors": connectors}}}

    with step("Flink downloads the jar, and every pod downloads the connectors"):
        done = platform.make("up", **config)
        assert done.code == 0, done.output
        until("the job runs", job.job)
        for component in ("jobmanager", "taskmanager"):
            [pod] = job.pods(component)
            files = kubectl.run("exec", "-n", NAMESPACE, pod, "--", "ls", "/opt/flink/lib/connectors").decode()
            assert f"{JOB}-1.0.jar" in files.split()

    with step("a jar with another digest does not start the job"):
        wrong = {"mavenRepository": repository, "jobs": {JOB: {"connectors": [f"{COORDINATES}@{'0' * 64}"]}}}
        done = platform.make("up", **wrong, jobTimeout="90s")
        assert done.code != 0
        assert f"instead of {'0' * 64}" in done.output

    with step("a jar of the project is uploaded to the claim"):
        (platform.root / "numbers.jar").write_bytes(jar.read_bytes())
        platform.write("numbers.yaml", manifest("numbers.jar"))
        done = platform.make("up", mavenRepository=repository)
        assert done.code == 0, done.output
        assert "is uploaded" in done.output
        until("the job runs", job.job)
        output = kubectl.get("flinkdeployment", JOB, "-n", NAMESPACE) or {}
        assert output["spec"]["job"]["jarURI"].startswith("local:///flink-state/")


def test_jar_of_the_project_through_a_bucket(no_stack: None, engine: Project, kubectl: Kubectl, jar: Path) -> None:
    with object_store(kubectl) as address:
        platform = engine.copy({"numbers.yaml": manifest("numbers.jar", BUCKETS.name, "v2_3")})
        (platform.root / "numbers.jar").write_bytes(jar.read_bytes())
        job = RunningTotals(kubectl, platform.folder, list, name=JOB)
        config = {"stateStorage": state_storage(address, f"s3a://{BUCKET}/jobs")}
        done = platform.make("up", **config, jobs={JOB: {"enabled": False}})
        assert done.code == 0, done.output
        create_keys(kubectl, NAMESPACE)
        done = platform.make("up", **config)
        assert done.code == 0, done.output
        assert "is uploaded" in done.output
        until("the job runs", job.job)
        done = platform.make("destroy")
        assert done.code == 0, done.output
