"""Paths of jobs that are inside of their pods: each reported, its neighbour not."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from typing import Any

import pytest

from tests.unit.project import JOB, SESSION, Project
from tests.unit.resolve.test_sql import HEADER

VOLUME = {"stateStorage": {"type": "volume"}}
S3 = {"stateStorage": {"type": "s3", "uri": "s3://b", "serviceAccountAnnotations": {"a": "b"}}}
BATCH = HEADER.replace("parameters: {topic: orders}", "upgradeMode: stateless")
"""The header of a job without a claim; the statements begin in line 9."""

MISSING = "is {path}, but the pods of the job mount no claim at /flink-state; "
STORE = "mount a claim there, or write the URI of a store"
MOUNTED = "spec: {podTemplate: {spec: {containers: [{name: flink-main-container, volumeMounts: [{name: v, mountPath: PATH}]}], volumes: [VOLUME]}}}\n*/\n"


def files(name: str, path: str) -> str:
    return f"CREATE TABLE {name} (id INT) WITH ('connector' = 'filesystem', 'format' = 'csv',\n 'path' = '{path}');\n"


def script(path: str, header: str = BATCH) -> str:
    return header + files("b", path) + "INSERT INTO b SELECT 1;\n"


def load(project: Project, text: str, config: dict[str, Any] = VOLUME) -> None:
    project.job(text, "totals.sql")
    project.stack(config)


def mounted(path: str, volume: str) -> str:
    return BATCH.replace("*/\n", MOUNTED.replace("PATH", path).replace("VOLUME", volume))


@pytest.mark.parametrize(
    "path",
    ["/flink-state/out", "/flink-state", "file:///flink-state/out", "file:/flink-state/out", "///flink-state//out"],
)
def test_output_below_the_mount_of_a_claim_that_the_job_does_not_have(project: Project, path: str) -> None:
    load(project, script(path))
    remedy = f"set upgradeMode: savepoint, which mounts it, or {STORE}"
    assert project.problems() == [f"jobs/totals.sql:10:11: {MISSING.format(path=path)}{remedy}"]
    assert project.broken_rules() == {"flink-startup"}


def test_without_a_volume_for_state_the_remedy_is_another_place(project: Project) -> None:
    load(project, script("/flink-state/out"), S3)
    assert project.problems() == [f"jobs/totals.sql:10:11: {MISSING.format(path='/flink-state/out')}{STORE}"]


def test_an_input_is_missing_too(project: Project) -> None:
    text = BATCH + files("a", "/flink-state/in") + files("b", "s3://b/x") + "INSERT INTO b SELECT id FROM a;\n"
    load(project, text)
    [problem] = project.problems()
    assert problem.startswith("jobs/totals.sql:10:11: is /flink-state/in,")


def test_the_value_of_a_variable_counts(project: Project) -> None:
    load(project, script("${out}", BATCH.replace("*/", "parameters: {out: /flink-state/x}\n*/")))
    [problem] = project.problems()
    assert problem.startswith("jobs/totals.sql:11:11: is /flink-state/x,")


@pytest.mark.parametrize(
    "text",
    [
        script("/flink-state/out", BATCH.replace("stateless", "savepoint")),
        script("/flink-state/out", mounted("/flink-state", "{name: v, persistentVolumeClaim: {claimName: own}}")),
        script("/flink-state/in/out", mounted("/flink-state/in", "{name: v, persistentVolumeClaim: {claimName: own}}")),
        script("/flink-states/out", mounted("/flink-states", "{name: v, persistentVolumeClaim: {claimName: own}}")),
        script("s3://bucket/flink-state/out"),
        script("hdfs:///flink-state/out"),
        BATCH + "CREATE TABLE b (id STRING) WITH ('connector' = 'print'); INSERT INTO b SELECT '/flink-state/out';",
    ],
)
def test_output_that_outlives_the_pods(project: Project, text: str) -> None:
    load(project, text)
    assert [remark for remark in project.remarks() if "flink-state" in remark and "totals.sql:10" in remark] == []


def test_the_default_file_system_can_be_a_store(project: Project) -> None:
    load(
        project,
        script("/flink-state/out", BATCH.replace("*/", "flinkConfiguration: {fs.default-scheme: 's3://b'}\n*/")),
    )
    assert not any("mount no claim" in remark for remark in project.remarks())


@pytest.mark.parametrize(
    ("text", "process"),
    [
        (script("/tmp/out"), "TaskManager"),
        (script("/flink-state/out", mounted("/flink-state", "{name: v, emptyDir: {}}")), "TaskManager"),
        (script("/data/out"), "TaskManager"),
        (BATCH + "CREATE TABLE b WITH ('connector' = 'filesystem', 'format' = 'csv',\n 'path' = '/tmp/out') AS SELECT 1 AS id;", "TaskManager"),
        (BATCH + files("b", "/tmp/out") + "BEGIN STATEMENT SET; INSERT INTO b SELECT 1; END;", "TaskManager"),
    ],
)  # fmt: skip
def test_output_inside_of_the_pod_is_a_warning(project: Project, text: str, process: str) -> None:
    load(project, text)
    [warning] = [remark for remark in project.remarks() if "lost with the pod" in remark]
    line = text.count("\n", 0, text.index("'path'")) + 1
    assert warning.startswith(f"warning: jobs/totals.sql:{line}:11: is ")
    assert warning.endswith(f"which is inside of the {process}'s pod: the output is lost with the pod; {STORE}")


def test_an_input_can_be_in_the_image(project: Project) -> None:
    text = BATCH + files("a", "/opt/flink/usrlib/input") + files("b", "s3://b/x") + "INSERT INTO b SELECT id FROM a;\n"
    load(project, text)
    assert not any("inside of the" in remark for remark in project.remarks())


@pytest.mark.parametrize(
    "value", ["--output=/flink-state/out", "--output, /flink-state/out", "file:///flink-state/out"]
)
def test_argument_below_the_mount_of_the_claim(project: Project, value: str) -> None:
    project.job(JOB.replace("--verbose", f"--verbose, {value}"))
    project.stack(VOLUME)
    [problem] = project.problems()
    assert problem.startswith("jobs/word_count.yaml:12: spec.job.args")
    assert MISSING.format(path=value.removeprefix("--output").strip("=, ")) in problem


def test_parameter_of_the_stack_file_is_reported_there(project: Project) -> None:
    project.stack({**VOLUME, "jobs": {"word-count": {"parameters": {"output": "/flink-state/out"}}}})
    [problem] = project.problems()
    assert problem.startswith("Pulumi.x.yaml:8: jobs.word-count.parameters.output: is /flink-state/out")


@pytest.mark.parametrize(
    ("job", "config"),
    [
        (JOB.replace("--verbose", "--output, /flink-state/out").replace("upgradeMode: stateless", "upgradeMode: savepoint"), VOLUME),
        (JOB.replace("--verbose", "--output, /flink-state/out"), {**S3, "jobs": {"word-count": {"parameters": {"output": "s3://b/o"}}}}),
        (JOB.replace("--verbose", "--output, /flink-state/out") + "  podTemplate: {spec: {securityContext: {runAsUser: 0}}}\n", {**VOLUME, "namespaces": {"flink": {"podSecurity": "privileged"}}}),
        (JOB.replace("--verbose", "--comment, state is in /flink-state/out"), VOLUME),
    ],
)  # fmt: skip
def test_argument_that_the_pods_can_write(project: Project, job: str, config: dict[str, Any]) -> None:
    project.job(job)
    project.stack(config)
    project.load()


def test_a_session_job_runs_in_the_pods_of_its_cluster(project: Project) -> None:
    session = SESSION.replace("upgradeMode: stateless", "args: [--output, /flink-state/out], upgradeMode: stateless")
    project.job(session, "session.yaml")
    project.stack({"stateStorage": {"type": "volume"}})
    project.load()
    project.stack({})
    [problem] = project.problems()
    assert "jobs/session.yaml:15: spec.job.args[1]: is /flink-state/out" in problem
