"""From a SQL file to the FlinkDeployment that runs it."""

# ruff: noqa: E501 - a URL and a header
from __future__ import annotations

import json
from typing import Any

import pytest

from flink_k8s.resolve import code_hash
from flink_k8s.resolve.explain import explain
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sql import config_map_of, session_script
from tests.unit.project import SESSION, Project

HEADER = """\
/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
parallelism: 2
jobManager: {memory: 1600m, cpu: 0.5}
taskManager: {memory: 1600m, cpu: 0.5}
parameters: {topic: orders}
*/
"""
STATEMENTS = """\
CREATE TABLE a (id INT) WITH ('connector' = 'datagen');
CREATE TABLE b (id INT) WITH ('connector' = 'print', 'print-identifier' = '${topic}');
INSERT INTO b SELECT id FROM a;
"""


def sql_job(project: Project, text: str = HEADER + STATEMENTS, **stack: object) -> tuple[Job, dict[str, Any]]:
    """The job of a SQL file, and its ConfigMap."""
    project.job(text, "order_totals.sql")
    project.stack(stack)
    declared = project.load()
    [job] = [job for job in declared.jobs if job.source.sql]
    [attachment] = declared.attachments
    return job, attachment.manifest


def test_session_cluster_gets_the_script_as_an_argument(project: Project) -> None:
    header = "/* flink-k8s\nparallelism: 2\nupgradeMode: stateless\nparameters: {topic: orders}\nspec: {deploymentName: session}\n*/\n"
    project.job(SESSION.partition("---\n")[0], "session.yaml")
    project.job(header + "-- a comment\n" + STATEMENTS, "order_totals.sql")
    declared = project.load()
    [job] = [job for job in declared.jobs if job.source.sql]
    script = STATEMENTS.replace("${topic}", "orders").strip()
    assert (job.kind, job.target) == ("FlinkSessionJob", "FlinkDeployment/flink/session")
    assert job.spec == {
        "deploymentName": "session",
        "job": {
            "parallelism": 2,
            "upgradeMode": "stateless",
            "jarURI": "https://repo1.maven.org/maven2/org/apache/flink/flink-annotations/2.2.1/flink-annotations-2.2.1.jar",
            "entryClass": "org.apache.flink.table.runtime.application.SqlDriver",
            "args": ["--script", script],
        },
    }
    assert session_script(job.spec) == script
    assert declared.attachments == ()


def test_flinks_driver_runs_the_script_of_the_config_map(project: Project) -> None:
    job, config_map = sql_job(project)
    assert (job.kind, job.name, job.namespace) == ("FlinkDeployment", "order-totals", "flink")
    assert job.spec["job"] == {
        "parallelism": 2,
        "jarURI": "local:///opt/flink/bin/bash-java-utils.jar",
        "entryClass": "org.apache.flink.table.runtime.application.SqlDriver",
        "args": ["--scriptUri", "file:///opt/flink/sql/order-totals.sql"],
    }
    spec: dict[str, Any] = job.spec
    [mount] = spec["jobManager"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"]
    assert mount == {"mountPath": "/opt/flink/sql", "name": "sql", "readOnly": True}
    assert config_map_of(spec) == config_map["metadata"]["name"]
    assert "podTemplate" not in spec["taskManager"]
    assert config_map["metadata"]["namespace"] == "flink"
    assert config_map["data"] == {"order-totals.sql": (HEADER + STATEMENTS).replace("${topic}", "orders")}


def test_settings_of_the_stack_win_over_the_header(project: Project) -> None:
    job, config_map = sql_job(
        project,
        jobDefaults={"parallelism": 7, "args": ["--x"], "flinkConfiguration": {"a": "1"}},
        jobs={"order-totals": {"parallelism": 3, "parameters": {"topic": "it's"}}},
        enforced={"image": "enforced:1"},
    )
    spec: dict[str, Any] = job.spec
    assert (spec["job"]["parallelism"], spec["image"], spec["flinkConfiguration"]["a"]) == (3, "enforced:1", "1")
    assert spec["job"]["args"] == ["--scriptUri", "file:///opt/flink/sql/order-totals.sql"]
    assert "'print-identifier' = 'it''s'" in config_map["data"]["order-totals.sql"]
    lines = "\n".join(explain(job))
    assert 'spec.jobManager.resource.memory = "1600m"' in lines
    assert "# job file (jobs/order_totals.sql:5)" in lines


def test_only_a_changed_statement_changes_the_job(project: Project) -> None:
    job, config_map = sql_job(project)
    same, commented = sql_job(project, HEADER + "-- new\n" + STATEMENTS.replace(";", " ;\n"))
    assert same.spec == job.spec
    assert commented["data"] != config_map["data"]
    changed, _ = sql_job(project, HEADER + STATEMENTS.replace("SELECT id", "SELECT id + 1"))
    assert config_map_of(changed.spec) != config_map_of(job.spec)
    parameter, _ = sql_job(project, jobs={"order-totals": {"parameters": {"topic": "x"}}})
    assert config_map_of(parameter.spec) != config_map_of(job.spec)


@pytest.mark.parametrize("version", [{"flinkVersion": "v1_19"}, {"spec": {"flinkVersion": "v1_19"}}])
def test_flink_1_runs_the_statements_by_the_program_of_the_image(project: Project, version: dict[str, Any]) -> None:
    text = HEADER + "SET 'a' = 'b'; -- c\n" + STATEMENTS
    job, config_map = sql_job(project, text, jobs={"order-totals": version})
    spec: dict[str, Any] = job.spec
    assert spec["job"]["entryClass"] == "org.apache.flink.client.python.PythonDriver"
    runner = ["-py", "/opt/flink/usrlib/src/sql_job.py", "/opt/flink/sql/order-totals.json"]
    assert spec["job"]["args"] == ["-pyclientexec", "/usr/local/bin/python3", *runner]
    steps = json.loads(config_map["data"]["order-totals.json"])
    assert steps == [
        {"set": ["a", "b"]},
        {"sql": "CREATE TABLE a (id INT) WITH ('connector' = 'datagen')"},
        {"sql": "CREATE TABLE b (id INT) WITH ('connector' = 'print', 'print-identifier' = 'orders')"},
        {"inserts": ["INSERT INTO b SELECT id FROM a"]},
    ]


def test_secrets_are_mounted_and_not_deployed(project: Project) -> None:
    job, config_map = sql_job(
        project, HEADER + STATEMENTS.replace("${topic}", "${topic} ${secret:kafka/user} ${secret:kafka/password}")
    )
    spec: dict[str, Any] = job.spec
    assert spec["job"]["entryClass"] == "org.apache.flink.client.python.PythonDriver"
    pod = spec["jobManager"]["podTemplate"]["spec"]
    items = [{"key": "password", "path": "password"}, {"key": "user", "path": "user"}]
    assert pod["volumes"][1] == {"name": "sql-secret-0", "secret": {"secretName": "kafka", "items": items}}
    assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == "/opt/flink/sql-secrets/kafka"
    [text] = config_map["data"].values()
    assert "orders ${secret:kafka/user} ${secret:kafka/password}" in text


def test_several_inserts_run_as_one_job(project: Project) -> None:
    inserts = "BEGIN STATEMENT SET;\nINSERT INTO b SELECT id FROM a;\nINSERT INTO b SELECT 1;\nEND;\n"
    text = HEADER + STATEMENTS.replace("INSERT INTO b SELECT id FROM a;\n", inserts)
    _, config_map = sql_job(project, text, jobs={"order-totals": {"flinkVersion": "v1_19"}})
    steps = json.loads(config_map["data"]["order-totals.json"])
    assert steps[-1] == {"inserts": ["INSERT INTO b SELECT id FROM a", "INSERT INTO b SELECT 1"]}


def test_header_sets_namespace_and_disables_the_job(project: Project) -> None:
    header = HEADER.replace("parallelism: 2", "namespace: other\nparallelism: 2")
    job, config_map = sql_job(project, header + STATEMENTS, namespaces={"flink": {}, "other": {}})
    assert (job.namespace, config_map["metadata"]["namespace"]) == ("other", "other")
    project.job(HEADER.replace("parallelism: 2", "parallelism: 2\nenabled: false") + STATEMENTS, "order_totals.sql")
    assert [job.name for job in project.load().jobs] == ["word-count"]
    project.stack({"jobs": {"order-totals": {"enabled": True}}})
    assert [job.name for job in project.load().jobs] == ["order-totals", "word-count"]


def test_image_of_a_script_does_not_change_with_python_modules(project: Project) -> None:
    folder = project.root / "jobs" / "pyflink" / "src"
    folder.mkdir(parents=True)

    def image(text: str) -> object:
        code_hash._hash.cache_clear()  # pyright: ignore[reportPrivateUsage] - one run of the program sees no change
        return sql_job(project, text, images={"pyflink:dev": "pyflink:{code}"})[0].image

    python = HEADER + "CREATE FUNCTION f AS 'm.f' LANGUAGE PYTHON;\n" + STATEMENTS
    before = image(HEADER + STATEMENTS), image(python)
    (folder / "m.py").write_text("def f(): return 1\n")
    assert image(HEADER + STATEMENTS) == before[0]
    assert image(python) != before[1]
