"""The jar of a job by Maven coordinates."""

from __future__ import annotations

import pytest

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
