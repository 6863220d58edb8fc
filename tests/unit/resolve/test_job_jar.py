"""The jar of a job by Maven coordinates."""

from __future__ import annotations

import hashlib

import pytest

from flink_k8s.resolve.job_jar import JarFile
from tests.unit.project import JOB, SESSION, Project

MAVEN = "maven:org.example:orders:1.4.0"
MIRROR = "http://nexus.tools:8081/maven"
LOCAL = "local:///opt/flink/job.jar"


def with_jar(project: Project, uri: str = MAVEN, **stack: object) -> None:
    project.job(JOB.replace(LOCAL, uri))
    project.stack(stack)


def test_maven_coordinates_become_the_url_of_the_jar(project: Project) -> None:
    with_jar(project)
    spec = project.spec()
    assert spec["job"]["jarURI"] == "https://repo1.maven.org/maven2/org/example/orders/1.4.0/orders-1.4.0.jar"
    assert "user.artifacts.raw-http-enabled" not in spec["flinkConfiguration"]


def test_coordinates_in_the_stack_file(project: Project) -> None:
    spec = {"job": {"jarURI": f"{MAVEN}:all"}}
    project.stack({"jobs": {"word-count": {"spec": spec}}, "mavenRepository": "https://m.example.org"})
    assert project.spec()["job"]["jarURI"] == "https://m.example.org/org/example/orders/1.4.0/orders-1.4.0-all.jar"


def test_flink_downloads_from_a_mirror_without_tls(project: Project) -> None:
    with_jar(project, mavenRepository=MIRROR)
    stack = project.load()
    [job] = stack.jobs
    assert project.spec()["flinkConfiguration"]["user.artifacts.raw-http-enabled"] == "true"
    traffic = stack.traffic(job)
    assert traffic is not None
    assert ("tools", ["8081"]) in [(entry.namespace, entry.ports) for entry in traffic.egress]


def test_session_job_gets_the_url(project: Project) -> None:
    project.job(SESSION.replace("https://jars.example.org/a.jar", MAVEN), "session.yaml")
    assert project.spec("in-session")["job"]["jarURI"].startswith("https://repo1.maven.org/maven2/org/example/")


@pytest.mark.parametrize("uri", ["maven:org.example:orders", f"{MAVEN}@{'0' * 64}"])
def test_wrong_coordinates(project: Project, uri: str) -> None:
    with_jar(project, uri)
    [problem] = project.problems()
    assert problem == (
        f'jobs/word_count.yaml:11: spec.job.jarURI: is "{uri}", which are not the coordinates of a jar; '
        "write maven:group:artifact:version, or maven:group:artifact:version:classifier"
    )


def test_flink_that_does_not_download_jars(project: Project) -> None:
    project.job(JOB.replace(LOCAL, MAVEN).replace("v2_2", "v1_18"))
    assert any("jobs/word_count.yaml:11: spec.job.jarURI: has the scheme https" in text for text in project.problems())


def test_operator_whose_flink_client_refuses_remote_jars(project: Project) -> None:
    project.job(JOB.replace(LOCAL, MAVEN).replace("v2_2", "v1_19"))
    project.stack({"operator": {"version": "1.9.0"}})
    message = "spec.job.jarURI: has the scheme https, but operator 1.9.0 starts applications from local:// only"
    assert any(message in problem for problem in project.problems())
    project.stack({"operator": {"version": "1.10.0"}})
    project.load()


BUCKET = {"type": "s3", "uri": "s3p://bucket/flink", "endpoint": "http://minio.storage:9000"}
DIGEST = hashlib.sha256(b"a jar").hexdigest()


def with_file(project: Project, **stack: object) -> None:
    (project.root / "target").mkdir(exist_ok=True)
    (project.root / "target" / "my orders.jar").write_bytes(b"a jar")
    with_jar(project, "target/my orders.jar", **stack)


def test_file_of_the_project_becomes_its_uri_in_the_bucket(project: Project) -> None:
    with_file(project, stateStorage=BUCKET)
    stack = project.load()
    [job] = stack.jobs
    uri = f"s3p://bucket/flink/x/flink/word-count/jars/{DIGEST[:16]}/my-orders.jar"
    assert project.spec()["job"]["jarURI"] == uri
    jar = JarFile(project.root / "target" / "my orders.jar", uri, DIGEST)
    assert (job.jar_file, jar.target) == (jar, uri)


def test_stateless_job_has_access_to_the_bucket_of_its_jar(project: Project) -> None:
    with_file(project, stateStorage=BUCKET)
    spec = project.spec()
    [variable] = spec["podTemplate"]["spec"]["containers"][0]["env"]
    assert variable["value"].startswith("flink-s3-fs-presto")
    assert spec["flinkConfiguration"]["s3.endpoint"] == "http://minio.storage:9000"
    assert "execution.checkpointing.dir" not in spec["flinkConfiguration"]
    stack = project.load()
    traffic = stack.traffic(stack.jobs[0])
    assert traffic is not None
    assert ("storage", ["9000"]) in [(entry.namespace, entry.ports) for entry in traffic.egress]


def test_file_of_the_project_on_the_claim(project: Project) -> None:
    with_file(project, stateStorage={"type": "volume"})
    [job] = project.load().jobs
    spec = project.spec()
    directory = f"/flink-state/x/flink/word-count/jars/{DIGEST[:16]}"
    assert spec["job"]["jarURI"] == f"local://{directory}/my-orders.jar"
    assert job.jar_file is not None
    assert job.jar_file.target == f"file://{directory}/my-orders.jar"
    assert job.mounts("flink-state")


def test_changed_file_has_another_uri(project: Project) -> None:
    with_file(project, stateStorage=BUCKET)
    before = project.spec()["job"]["jarURI"]
    (project.root / "target" / "my orders.jar").write_bytes(b"another jar")
    assert project.spec()["job"]["jarURI"] != before


def test_file_without_a_store(project: Project) -> None:
    with_file(project)
    [problem] = project.problems()
    assert problem == (
        'jobs/word_count.yaml:11: spec.job.jarURI: is "target/my orders.jar", a file of the project, '
        "and no store to upload it to; set stateStorage"
    )


@pytest.mark.parametrize("uri", ["target/orders.jar", "../outside.jar"])
def test_file_that_is_not_in_the_project(project: Project, uri: str) -> None:
    (project.root.parent / "outside.jar").write_bytes(b"a jar")
    with_jar(project, uri, stateStorage=BUCKET)
    [problem] = project.problems()
    assert "which does not exist in the project; build it, or write a URI" in problem


SCHEMES = "kubernetes.operator.user.artifacts.allowed-schemes"


def with_session_job(project: Project, *, scheme: str = "", text: str = SESSION, **stack: object) -> None:
    (project.root / "a.jar").write_bytes(b"a jar")
    project.job(text.replace("https://jars.example.org/a.jar", "a.jar"), "session.yaml")
    configuration = {SCHEMES: f"https;{scheme}", "s3.endpoint": "http://minio.storage:9000"} if scheme else {}
    project.stack({"operator": {"configuration": configuration}, **stack})


def test_file_for_a_session_job_whose_operator_downloads_from_the_bucket(project: Project) -> None:
    with_session_job(project, scheme="s3p", stateStorage=BUCKET, networkPolicies={"enabled": True})
    stack = project.load()
    [job] = [job for job in stack.jobs if job.name == "in-session"]
    uri = f"s3p://bucket/flink/x/flink/in-session/jars/{DIGEST[:16]}/a.jar"
    assert project.spec("in-session")["job"]["jarURI"] == uri
    assert job.jar_file == JarFile(project.root / "a.jar", uri, DIGEST)
    assert "podTemplate" not in job.spec
    assert stack.operator_traffic is not None
    assert ("storage", ["9000"]) in [(entry.namespace, entry.ports) for entry in stack.operator_traffic.egress]


@pytest.mark.parametrize(
    ("scheme", "storage", "message"),
    [
        ("", {"type": "none"}, "and no store to upload it to; set stateStorage to a bucket, or write maven:"),
        ("file", {"type": "volume"}, "and the operator does not mount the claim; use a bucket, or write maven:"),
        ("", BUCKET, f"and the operator does not download from s3p://; add s3p to {SCHEMES} of operator.configuration"),
    ],
)
def test_file_that_the_operator_cannot_download(
    project: Project, scheme: str, storage: dict[str, str], message: str
) -> None:
    with_session_job(project, scheme=scheme, stateStorage=storage)
    [problem] = project.problems()
    start = 'jobs/session.yaml:15: spec.job.jarURI: is "a.jar", a file of the project, '
    assert problem.startswith(f"{start}{message}"), problem


def test_file_for_a_session_job_that_does_not_exist(project: Project) -> None:
    with_session_job(project, scheme="s3p", stateStorage=BUCKET)
    (project.root / "a.jar").unlink()
    [problem] = project.problems()
    assert 'is "a.jar", which does not exist in the project; build it' in problem


def test_file_for_a_session_job_of_a_cluster_that_is_not_declared(project: Project) -> None:
    session_job = SESSION.partition("---\n")[2]
    jobs = {"in-session": {"external": True}}
    with_session_job(project, scheme="s3p", text=session_job, stateStorage=BUCKET, jobs=jobs)
    assert any("declare the cluster in this stack" in problem for problem in project.problems())
