"""Realistic mistakes in SQL files and in the kinds of the operator: each is one problem with a fitting remedy."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import pytest

from tests.unit.project import JOB, SESSION, Project
from tests.unit.resolve.test_sql import HEADER, STATEMENTS

API = "apiVersion: flink.apache.org/v1beta1\n"
SNAPSHOT = f"{API}kind: FlinkStateSnapshot\nmetadata: {{name: snap}}\nspec: {{jobReference: {{kind: FlinkDeploymnt, name: word-count}}, savepoint: {{}}}}\n"
BLUE_GREEN = JOB.replace("FlinkDeployment", "FlinkBlueGreenDeployment")
SWITCH = "spec:\n  configuration: {OPTION}\n  template:\n    spec:\n" + "".join(
    f"    {line}\n" for line in JOB.partition("spec:\n")[2].splitlines()
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEADER.replace("parallelism", "paralelism") + STATEMENTS, '4: paralelism: unknown field; did you mean "parallelism"?'),
        (HEADER.replace("*/", "connectors: [kafak]\n*/") + STATEMENTS, '8: connectors[0]: unknown connector "kafak"; did you mean "kafka"?'),
        ("", "1:1: has no INSERT, so it runs no job"),
        ("-- to do\n", "1:1: has no INSERT, so it runs no job"),
        (HEADER + STATEMENTS.replace("${topic}');", "${topic}')"), "11:1: INSERT starts a second statement; add ; before it"),
        (HEADER + STATEMENTS.replace(";", "", 1), "10:1: CREATE starts a second statement; add ; before it"),
        (HEADER + "CREATE TABLE b (id INT);\nBEGIN STATEMENT SET;\nINSERT INTO b SELECT 1\nINSERT INTO b SELECT 2;\nEND;\n", "12:1: INSERT starts a second statement"),
        (HEADER + STATEMENTS.replace("FROM a", "FROM {{ table }}"), "11:30: is an unrendered template expression; write ${name}"),
    ],
)  # fmt: skip
def test_mistake_in_a_sql_file_is_one_problem(project: Project, text: str, problem: str) -> None:
    project.job(text, "totals.sql")
    [found] = project.problems()
    assert found.startswith(f"jobs/totals.sql:{problem}")


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE b (id INT); SHOW CREATE TABLE b; EXPLAIN PLAN FOR INSERT INTO b SELECT 1; EXECUTE INSERT INTO b SELECT 1;",
        "CREATE TABLE b (`INSERT` INT, note STRING COMMENT 'INSERT INTO {{ x }}'); INSERT INTO b SELECT 1, '{{ y }}';",
        "-- {{ a comment }}\nCREATE TABLE b (id INT); INSERT INTO b SELECT 1;",
    ],
)
def test_similar_script_is_accepted(project: Project, statements: str) -> None:
    project.job(HEADER.replace("parameters: {topic: orders}\n", "") + statements, "totals.sql")
    project.load()


def test_name_of_a_file_is_one_problem(project: Project) -> None:
    project.job(HEADER + STATEMENTS, "order totals.sql")
    [problem] = project.problems()
    assert problem.startswith(
        'jobs/order totals.sql:1: metadata.name: "order totals" is not a valid name for the operator; rename the file: use'
    )


def test_misspelt_connector_has_a_suggestion(project: Project) -> None:
    header = HEADER.replace("pyflink:dev", "flink:2.2.1")
    project.job(header + STATEMENTS.replace("'datagen'", "'kafak'"), "totals.sql")
    assert any(
        'connector "kafak" is neither' in remark and 'did you mean "kafka"? Otherwise add' in remark
        for remark in project.remarks()
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (JOB.replace("kind: FlinkDeployment", "kind: flinkdeployment"), '2: kind: is flinkdeployment, which is not a kind of Flink; did you mean "FlinkDeployment"?'),
        (JOB.replace("name: word-count", "name: 123"), '4: metadata.name: is 123, which is not text; quote it: "123"'),
        (JOB.replace("name: word-count", "name: {{ .Release.Name }}"), "4: metadata.name: is an unrendered template expression"),
        (BLUE_GREEN, "5: spec: has no template; write the spec of the FlinkDeployments in spec.template.spec"),
        (BLUE_GREEN.partition("spec:\n")[0] + SWITCH.replace("OPTION", "kubernetes.operator.bluegreen.abort.grace-period: soon"), '6: spec.configuration["kubernetes.operator.bluegreen.abort.grace-period"]: is "soon"; write a duration'),
        (JOB + "  podTemplate: {containers: []}\n", "15: spec.podTemplate.containers: unknown field; write containers in the spec of the podTemplate"),
        (JOB + "  flinkConfiguration: {jobmanager.memory.jvm-overhead.fraction: 10%}\n", '15: spec.flinkConfiguration["jobmanager.memory.jvm-overhead.fraction"]: is "10%"; write a fraction'),
        (JOB + "  ingress: {template: '{{nam}}.example.org'}\n", '15: spec.ingress.template: has the host "{{nam}}.example.org", which Kubernetes refuses; use {{name}}'),
        (JOB + "---\n" + SNAPSHOT, '19: spec.jobReference.kind: is "FlinkDeploymnt", which is not a valid value; did you mean "FlinkDeployment"?'),
    ],
)  # fmt: skip
def test_mistake_in_a_resource_is_one_problem(project: Project, text: str, problem: str) -> None:
    project.job(text)
    [found] = project.problems()
    assert found.startswith(f"jobs/word_count.yaml:{problem}")


def test_misspelt_options_of_a_switch_and_of_a_session_job_are_warnings(project: Project) -> None:
    switch = SWITCH.replace("OPTION", "kubernetes.operator.bluegreen.abort.grace-perod: 1 s")
    project.job(BLUE_GREEN.partition("spec:\n")[0] + switch)
    project.job(SESSION + "  flinkConfiguration: {execution.checkpointing.intervall: 1 min}\n", "session.yaml")
    remarks = "\n".join(project.remarks())
    assert 'did you mean "kubernetes.operator.bluegreen.abort.grace-period"?' in remarks
    assert 'did you mean "execution.checkpointing.interval"?' in remarks


def test_field_of_a_cluster_in_a_session_job_has_its_place(project: Project) -> None:
    project.job(SESSION + "  image: flink:2.2\n", "session.yaml")
    [problem] = project.problems()
    assert problem.endswith("spec.image: unknown field; set it in the FlinkDeployment of the session cluster")


@pytest.mark.parametrize(
    "template",
    [
        "{{name}}.{{NAMESPACE}}.example.org",
        "https://{{name}}.example.org:8443/x",
        "*.example.org",
        "/{{name}}(/|$)(.*)",
    ],
)
def test_host_that_kubernetes_accepts(project: Project, template: str) -> None:
    project.job(JOB + f"  ingress: {{template: '{template}'}}\n")
    project.load()


def test_invalid_item_of_a_list_hides_no_other_setting(project: Project) -> None:
    project.stack(
        {
            "jobs": {
                "word-count": {
                    "connectors": ["kafak"],
                    "egress": [{"cidr": "10.0.0.0/33", "ports": [1]}],
                    "paralelism": 2,
                    "upgradeMode": "savepoint",
                }
            }
        }
    )
    paths = {problem.split(": ")[1] for problem in project.problems()}
    prefix = "jobs.word-count"
    assert paths == {
        f"{prefix}.connectors[0]",
        f"{prefix}.egress[0].cidr",
        f"{prefix}.paralelism",
        f"{prefix}.upgradeMode",
    }


def test_bound_of_a_quota_by_its_kubernetes_name_has_its_place(project: Project) -> None:
    project.stack({"namespaces": {"flink": {"quota": {"limits.cpu": "4"}}}})
    [problem] = project.problems()
    assert problem.endswith('quota["limits.cpu"]: unknown field; write hard: {limits.cpu: …}')
