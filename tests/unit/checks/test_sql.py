"""The checks of SQL jobs: the header, the statements and the variables, each with line and column."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_k8s.config.problems import ProblemsError
from flink_k8s.support.paths import ROOT
from tests.unit.project import SESSION, Project
from tests.unit.resolve.test_sql import HEADER, STATEMENTS

TABLES = HEADER + "CREATE TABLE a (id INT) WITH ('p' = '${topic}'); CREATE TABLE b (id INT);\n"
"""Two tables in line 9."""


def load(project: Project, text: str, **stack: object) -> None:
    project.job(text, "totals.sql")
    project.stack(stack)


@pytest.mark.parametrize(
    ("statements", "place", "message"),
    [
        ("INSERT INTO b SELECT 'x FROM a;", "10:22", "starts a text that has no end; add '"),
        ("SELECT * FROM a;", "10:1", "is a query whose result is not written to a table"),
        (
            "INSERT INTO b SELECT 1;\n INSERT INTO b SELECT 2;",
            "11:2",
            "starts a second job (the first one is in line 10)",
        ),
        ("INSERT INTO b SELECT 1; CREATE TABLE c AS SELECT 1;", "10:25", "starts a second job"),
        ("INSERT INTO c SELECT 1;", "10:13", 'writes to the table "c", which the script does not create before; use'),
        ("INSERT INTO B SELECT 1;", "10:13", 'writes to the table "B", which the script does not create before; did'),
        ("INSERT INTO `b` SELECT 1; CREATE TBALE x (i INT);", "10:27", "CREATE TBALE is not supported in a job"),
        ("INSRT INTO b SELECT 1; INSERT INTO b SELECT 1;", "10:1", 'unknown statement "INSRT"; did you mean "INSERT"?'),
        ("SET a.b = c; INSERT INTO b SELECT 1;", "10:1", "is not an option with a value; write SET 'key' = 'value'"),
        ("QUIT; INSERT INTO b SELECT 1;", "10:1", "QUIT is not a statement of a job"),
        ("BEGIN STATEMENT SET; SELECT 1; END;", "10:22", "is not an INSERT"),
        ("BEGIN STATEMENT SET; END;", "10:1", "is an empty statement set"),
        ("BEGIN STATEMENT SET; INSERT INTO b SELECT 1;", "10:1", "starts a statement set that has no end"),
        ("USE CATALOG x;", "10:1", "has no INSERT, so it runs no job"),
        ("INSERT OVERWRITE x PARTITION (d = '1') SELECT 1;", "10:18", 'writes to the table "x"'),
    ],
)
def test_script_that_flink_cannot_run(project: Project, statements: str, place: str, message: str) -> None:
    load(project, TABLES + statements)
    [problem] = project.problems()
    assert problem.startswith(f"jobs/totals.sql:{place}: {message}")
    assert project.broken_rules() == {"sql-script"}


@pytest.mark.parametrize(
    "statements",
    [
        "INSERT INTO b SELECT * FROM a;",
        "insert into b select case when id > 1 then 1 end from a",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO b SELECT 1; INSERT INTO b SELECT 2; END;",
        "CREATE CATALOG c WITH ('type' = 'x'); USE CATALOG c; INSERT INTO any_table SELECT 1;",
        "CREATE TEMPORARY TABLE IF NOT EXISTS `x y` (i INT); INSERT INTO `x y` SELECT 1;",
        "CREATE TABLE c WITH ('x' = 'y') AS SELECT id AS x FROM a;",
        "CREATE TABLE c (d INT, e AS CAST(d AS BIGINT)); INSERT INTO c WITH q AS (SELECT 1) SELECT * FROM q;",
        "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1; CREATE FUNCTION f AS 'x.F'; EXECUTE INSERT INTO b SELECT 1;",
        "EXECUTE PLAN 'file:///plan.json';",
    ],
)
def test_script_that_flink_runs(project: Project, statements: str) -> None:
    load(project, TABLES + statements)
    project.load()


def test_catalog_store_of_the_configuration_can_have_the_table(project: Project) -> None:
    load(
        project,
        TABLES + "INSERT INTO c SELECT 1;",
        jobs={"totals": {"flinkConfiguration": {"table.catalog-store.kind": "file"}}},
    )
    project.load()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "SET 'execution.checkpointing.intervall' = '1 min';",
            '10:5: "execution.checkpointing.intervall" is an unknown option of Flink 2.2; did you mean "execution.checkpointing.interval"?',
        ),
        (
            "SET 'table.exec.state.ttl' = '1 dya';",
            '10:30: is "1 dya"; write a duration such as "30 s", "10 min" or "6 h"',
        ),
        (
            "SET 'table.exec.state.ttl' = '36';",
            '10:30: is "36", which is 36 milliseconds; write a unit: "36 h", "36 ms"',
        ),
        ("SET 'table.exec.state.ttl' = '${topic}';", None),
        ("SET 'my.option' = 'x'; SET; SHOW TABLES;", None),
    ],
)
def test_options_of_a_script(project: Project, statement: str, problem: str | None) -> None:
    errors = {"unknown-option": "error", "duration-unit": "error"}
    load(project, TABLES + statement + "INSERT INTO b SELECT 1;", checks=errors)
    if problem is None:
        project.load()
    else:
        assert project.problems() == [f"jobs/totals.sql:{problem}"]


def test_variable_without_a_value(project: Project) -> None:
    load(project, TABLES + "INSERT INTO b SELECT '${amount}';")
    message = 'unknown variable "amount"; set it in parameters of the job'
    assert project.problems() == [f"jobs/totals.sql:10:23: {message}"]
    assert project.broken_rules() == {"sql-variable"}
    load(project, TABLES + "INSERT INTO b SELECT '${amount}';", jobs={"totals": {"parameters": {"amount": 5}}})
    project.load()


def test_parameters_that_the_script_does_not_use(project: Project) -> None:
    load(project, HEADER + STATEMENTS.replace("${topic}", "x"), jobs={"totals": {"parameters": {"tpic": "x"}}})
    remarks = [remark for remark in project.remarks() if "variable" in remark]
    assert remarks == [
        "warning: Pulumi.x.yaml:6: jobs.totals.parameters.tpic: the script has no variable ${tpic}; remove the parameter, or"
        " correct its name",
        "warning: jobs/totals.sql:7: parameters.topic: the script has no variable ${topic}; remove the parameter, or correct"
        " its name",
    ]
    assert {remark.problem.rule for remark in project.load().remarks} >= {"sql-parameter"}


def test_arguments_are_refused(project: Project) -> None:
    load(project, HEADER + STATEMENTS, jobs={"totals": {"args": ["--x"]}})
    assert project.problems() == ["Pulumi.x.yaml:5: jobs.totals.args: are not passed to a SQL script; use parameters"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("paralelism: 2", '2: paralelism: unknown field; did you mean "parallelism"?'),
        ("flinkVersion: v2_2\nparallelism: 0", "3: parallelism: "),
        ("parameters: {a: no}", '2: parameters.a: is no, which YAML reads as a boolean; write "no", true or false'),
        ("- a", "1: is not a mapping; write one setting per line: `parallelism: 2`"),
        ("a: [", "3: is not valid YAML"),
        ("parallelism: 2\nparallelism: 3", "3: parallelism: is a duplicate key (first in line 2)"),
    ],
)
def test_problems_of_the_header_have_the_line_of_the_file(project: Project, header: str, problem: str) -> None:
    load(project, f"/* flink-k8s\n{header}\n*/\nCREATE TABLE b (i INT); INSERT INTO b SELECT 1;")
    assert any(line.startswith(f"jobs/totals.sql:{problem}") for line in project.problems()), project.problems()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/* flink-k8s\nparallelism 2\na: b\n*/\nINSERT INTO b SELECT 1;", "3: is not valid YAML"),
        (
            "SET 'a' = 'b';\n/* flink-k8s\nparallelism: 2\n*/\nINSERT INTO b SELECT 1;",
            "2: contains settings that are not",
        ),
        (
            "-- flink-k8s\n-- parallelism: 2\nINSERT INTO b SELECT 1;",
            "1: contains settings that are not read; write them as",
        ),
    ],
)
def test_header_that_cannot_be_read_is_one_problem(project: Project, text: str, problem: str) -> None:
    load(project, text, jobs={"totals": {"parallelism": 2}})
    [found] = project.problems()
    assert found.startswith(f"jobs/totals.sql:{problem}")


def test_findings_of_values_have_the_line_of_the_header(project: Project) -> None:
    load(project, HEADER.replace("1600m, cpu: 0.5}\ntask", "64m, cpu: 0.5}\ntask") + STATEMENTS)
    [problem] = project.problems()
    assert problem.startswith("jobs/totals.sql:5: jobManager.memory: ")


def test_text_after_the_marker_is_refused(project: Project) -> None:
    load(project, "/* flink-k8s: {parallelism: 2} */\nCREATE TABLE b (i INT); INSERT INTO b SELECT 1;")
    assert (
        "jobs/totals.sql:1: has text after flink-k8s; write the settings as YAML in the lines below"
        in project.problems()
    )


def test_a_file_that_is_not_text_is_a_problem(project: Project) -> None:
    (project.root / "jobs" / "totals.sql").write_bytes(b"USE a;\n\xff")
    assert project.problems() == ["jobs/totals.sql:2: is not UTF-8; save it as UTF-8"]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("CREATE TABLE c (i INT) WITH ('x' = 'y', 'password' = 'Xk29fjw7qLp2');", "10:54"),
        (
            "CREATE TABLE c (i INT) WITH ('sasl.jaas.config' = 'x.PlainLoginModule required password=\"hunter22x\";');",
            "10:51",
        ),
        ("-- password=hunter22x\n", "10:1"),
        ("CREATE TABLE c (i INT) WITH ('password' = '${secret_word}');", "10:43"),
        ("SELECT 'password', 'hunter22x';", None),
        ("CREATE TABLE c (i INT) WITH ('password' = '${secret:kafka/password}');", None),
    ],
)
def test_plaintext_password_in_a_script_is_reported_at_its_place(
    project: Project, statement: str, place: str | None
) -> None:
    parameters = {"topic": "orders", "secret_word": "hunter22x"}
    text = TABLES.replace("image: pyflink:dev", "image: jobs:1") + statement + "INSERT INTO b SELECT 1;"
    load(project, text, jobs={"totals": {"parameters": parameters}}, strict=True)
    reported = [problem for problem in project.problems() if "as plaintext" in problem]
    message = "contains a secret as plaintext; store it in a Kubernetes Secret, and write '${secret:name/key}'"
    assert reported == ([f"jobs/totals.sql:{place}: {message}"] if place else [])


def test_plaintext_password_of_a_session_job_is_reported_at_its_place(project: Project) -> None:
    project.job(SESSION.partition("---\n")[0], "session.yaml")
    statement = "CREATE TABLE c (i INT) WITH ('password' = 'hunter22x'); INSERT INTO b SELECT 1;"
    load(project, SESSION_HEADER + TABLES.removeprefix(HEADER) + statement, strict=True)
    assert [p.split(": ")[0] for p in project.problems() if "as plaintext" in p] == ["jobs/totals.sql:8:43"]


SESSION_HEADER = """\
/* flink-k8s
parallelism: 2
upgradeMode: stateless
parameters: {topic: orders}
spec: {deploymentName: session}
*/
"""


@pytest.mark.parametrize(
    ("header", "statement", "flink", "problem"),
    [
        ("", "INSERT INTO b SELECT 1;", "v2_2", None),
        (
            "",
            "INSERT INTO b SELECT 1;",
            "v1_20",
            "5: spec.deploymentName: names a session cluster with Flink 1.20, which",
        ),
        (
            "",
            "INSERT INTO b SELECT '${secret:a/b}';",
            "v2_2",
            "5: spec.deploymentName: names a session cluster, in which a",
        ),
        (
            "connectors: [kafka]\n",
            "INSERT INTO b SELECT 1;",
            "v2_2",
            "2: connectors: have no effect for a FlinkSessionJob",
        ),
    ],
)
def test_script_for_a_session_cluster(
    project: Project, header: str, statement: str, flink: str, problem: str | None
) -> None:
    project.job(SESSION.partition("---\n")[0].replace("v2_2", flink), "session.yaml")
    text = SESSION_HEADER.replace("flink-k8s\n", f"flink-k8s\n{header}")
    load(project, text + TABLES.removeprefix(HEADER) + statement)
    if problem is None:
        project.load()
    else:
        assert any(text.startswith(f"jobs/totals.sql:{problem}") for text in project.problems()), project.problems()


def test_settings_of_a_cluster_have_no_effect_in_a_session_cluster(project: Project) -> None:
    project.job(SESSION.partition("---\n")[0], "session.yaml")
    text = SESSION_HEADER.replace("flink-k8s\n", "flink-k8s\nimage: flink:2.2.1\n")
    load(project, text + TABLES.removeprefix(HEADER) + "INSERT INTO b SELECT 1;")
    assert (
        "warning: jobs/totals.sql:2: image: has no effect on the session cluster session; set it there, or remove it"
        in (project.remarks())
    )


def test_example_of_the_documentation(project: Project) -> None:
    page = (ROOT / "docs" / "jobs.md").read_text()
    [script] = re.findall(r"```sql\n(/\* flink-k8s.*?)```", page, re.DOTALL)
    project.job(script, "order_totals.sql")
    storage = {"stateStorage": {"type": "volume"}}
    project.stack(storage)
    assert project.load().attachments
    project.job(script.replace("INSERT INTO totals", "INSERT INTO total"), "order_totals.sql")
    [problem] = project.problems()
    assert f"{problem} [sql-script]\n" in page


def test_host_that_no_policy_allows_has_line_and_column(project: Project) -> None:
    script = HEADER + STATEMENTS.replace("${topic}", "x ${topic}:9092 y")
    load(project, script, jobs={"totals": {"parameters": {"topic": "broker.kafka"}}})
    [remark] = [remark for remark in project.remarks() if "broker" in remark]
    assert remark.startswith("notice: jobs/totals.sql:10:75: names broker.kafka:9092, which no NetworkPolicy allows")
    egress = [{"namespace": "kafka", "ports": [9092]}]
    load(project, script, jobs={"totals": {"parameters": {"topic": "broker.kafka"}, "egress": egress}})
    assert not [remark for remark in project.remarks() if "broker" in remark]


_WORDS = ["INSERT INTO", "CREATE TABLE", "AS SELECT", "BEGIN STATEMENT SET;", "END", "SET", "EXECUTE", "flink-k8s"]
_FRAGMENTS = st.sampled_from(
    [
        "'",
        "`",
        '"',
        "/*",
        "*/",
        "/*+",
        "--",
        "\n",
        ";",
        "(",
        ")",
        "${",
        "}",
        "${topic}",
        "${secret:a/b}",
        " ",
        ".",
        *_WORDS,
    ]
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fragments=st.lists(_FRAGMENTS, max_size=12))
def test_no_script_crashes_the_check(project: Project, fragments: list[str]) -> None:
    load(project, HEADER + "".join(fragments), jobs={"totals": {"parameters": {"topic": "o'`-- /*;"}}})
    with suppress(ProblemsError):
        project.load()


@pytest.mark.parametrize(
    ("guarantee", "drill", "is_bad"),
    [
        ("exactly-once", {"parameters": {"topic": "copy"}}, True),
        ("${guarantee}", {"parameters": {"topic": "copy"}}, True),
        ("${guarantee}", {"outputs": "none"}, True),
        ("${guarantee}", {"parameters": {"topic": "copy", "guarantee": "at-least-once"}}, False),
        ("at-least-once", {"parameters": {"topic": "copy"}}, False),
        ("exactly-once", None, False),
    ],
)
def test_copy_with_the_transactions_of_the_job_is_refused(
    project: Project, guarantee: str, drill: dict[str, object] | None, is_bad: bool
) -> None:
    sink = f"CREATE TABLE c (i INT) WITH ('topic' = '${{topic}}', 'sink.delivery-guarantee' = '{guarantee}');\n"
    parameters = {"guarantee": "exactly-once"} if "$" in guarantee else {}
    settings: dict[str, object] = {"parameters": parameters, **({"drill": drill} if drill else {})}
    load(project, TABLES + sink + "INSERT INTO c SELECT * FROM a;", jobs={"totals": settings})
    if is_bad:
        [problem] = project.problems()
        assert problem.startswith("jobs/totals.sql:10:80: is exactly-once in the copy of the job, too"), problem
        assert project.broken_rules() == {"drill-transactions"}
    else:
        assert project.load()
