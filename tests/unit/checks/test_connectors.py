"""The checks of `connectors`: their names, their versions, and the tables of SQL scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.project import SESSION, Project

HEADER = """\
/* flink-k8s
image: {image}
flinkVersion: v2_2
parallelism: 1
jobManager: {{memory: 1600m}}
taskManager: {{memory: 1600m}}
{more}*/
"""
TABLE = "CREATE TABLE a (id INT) WITH ('connector' = '{connector}', 'format' = '{format}');\n"
INSERT = "INSERT INTO a SELECT 1;\n"


def script(connector: str = "kafka", data_format: str = "json", image: str = "flink:2.2.1", more: str = "") -> str:
    return HEADER.format(image=image, more=more) + TABLE.format(connector=connector, format=data_format) + INSERT


def remarks(project: Project, text: str) -> list[str]:
    project.job(text, "totals.sql")
    return [remark for remark in project.remarks() if "connectors of the job" in remark]


@pytest.mark.parametrize(
    ("connectors", "message"),
    [
        (["kafak"], 'jobs.word-count.connectors[0]: unknown connector "kafak"; did you mean "kafka"?'),
        (["org.example:a"], 'jobs.word-count.connectors[0]: "org.example:a" are not Maven coordinates'),
    ],
)
def test_unknown_connector(project: Project, connectors: list[str], message: str) -> None:
    project.stack({"jobs": {"word-count": {"connectors": connectors}}})
    assert any(message in problem for problem in project.problems()), project.problems()


def test_connector_that_is_not_published_for_the_flink_version(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"connectors": ["kafka", "jdbc"]}}})
    [problem] = project.problems()
    assert problem.startswith("Pulumi.x.yaml:")
    assert "connectors[1]: jdbc is not published for Flink 2.2, but for 1.19, 1.20; write" in problem
    assert project.broken_rules() == {"connector"}


def test_two_versions_of_a_jar(project: Project) -> None:
    other = "org.apache.flink:flink-sql-connector-kafka:4.0.1-2.0"
    project.stack({"jobs": {"word-count": {"connectors": ["kafka", other]}}})
    [problem] = project.problems()
    jar = "org.apache.flink:flink-sql-connector-kafka"
    assert f"connectors[1]: {other} contains {jar} 4.0.1-2.0, and kafka 5.0.0-2.2; remove one of them" in problem
    assert project.broken_rules() == {"connector"}


def test_session_job_gets_the_connectors_of_its_cluster(project: Project) -> None:
    project.job(SESSION, "session.yaml")
    project.stack({"jobs": {"in-session": {"connectors": ["kafka"]}}})
    [problem] = project.problems()
    assert "have no effect for a FlinkSessionJob; set them for its session cluster session" in problem
    project.stack({"jobs": {"session": {"connectors": ["kafka"]}}})
    project.load()


def test_problem_of_defaults_is_at_the_defaults(project: Project) -> None:
    project.stack({"jobDefaults": {"connectors": ["jdbc"]}})
    [problem] = project.problems()
    assert "jobDefaults.connectors[0]: jdbc is not published" in problem


def test_table_of_a_script_without_its_connector(project: Project) -> None:
    assert remarks(project, script()) == [
        'warning: jobs/totals.sql:8:45: connector "kafka" is neither in connectors of the job nor part of Flink; '
        "add kafka to connectors"
    ]
    assert "sql-connector" in {remark.problem.rule for remark in project.load().remarks}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (script(more="connectors: [kafka]\n"), 0),
        (script(more="connectors: [jdbc-driver]\n".replace("jdbc-driver", "parquet")), 1),
        (script(more="connectors: []\n", image="own:1@sha256:" + "0" * 64), 1),
        (script(image="own:1@sha256:" + "0" * 64), 0),
        (script(connector="print"), 0),
        (script(connector="upsert-kafka", more="connectors: [kafka]\n"), 0),
        (script(data_format="avro-confluent", more="connectors: [kafka]\n"), 1),
        (script(data_format="avro", more="connectors: [kafka, avro-confluent]\n"), 0),
        (script(connector="mongodb"), 1),
        (script(connector="mongodb", more="connectors: ['org.example:mongodb:2.0.0']\n"), 0),
        (script("print").replace(INSERT, "CREATE CATALOG c WITH ('type' = 'iceberg');\n" + INSERT), 1),
    ],
)  # fmt: skip
def test_connectors_of_a_script(project: Project, text: str, count: int) -> None:
    assert len(remarks(project, text)) == count


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nexus/maven", "is not the URL of a repository"),
        ("https://user:secret@nexus.example.org/maven", "contains a password"),
        ("ftp://nexus.example.org", "is not the URL of a repository"),
    ],
)
def test_repository_that_pods_cannot_read(project: Project, url: str, message: str) -> None:
    project.stack({"mavenRepository": url})
    [problem] = project.problems()
    assert f"mavenRepository: {message}" in problem
    assert "secret@" not in problem


def test_job_without_an_image(project: Project) -> None:
    stack: dict[str, Any] = {"jobs": {"word-count": {"connectors": ["kafka"], "image": None, "spec": {"image": None}}}}
    project.stack(stack)
    assert any("connectors: need the job's image" in problem for problem in project.problems())
