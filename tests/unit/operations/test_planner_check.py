"""`check --planner`: which statements Flink's planner gets, and where its errors are in the file."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import io
import re
import shutil
import threading
from pathlib import Path

import pytest

from flink_k8s.cli.main import main
from flink_k8s.config import sql_text
from flink_k8s.operations.planner import jars
from flink_k8s.operations.planner.script import script_of
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from tests.unit.operations.flink_planner import require_planner
from tests.unit.project import Project

HEADER = """\
/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
spec: {job: {parallelism: 1, upgradeMode: stateless}}
jobManager: {memory: 1600m, cpu: 0.5}
taskManager: {memory: 1600m, cpu: 0.5}
parameters: {source: orders-of-the-shop, n: 1000}
*/
"""
TABLES = """\
CREATE TABLE `${source}` (id BIGINT, name STRING, at_time TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE t (id BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
"""
"""In lines 9 and 10."""

FILES = (
    "CREATE TABLE f (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 's3://b/f', 'format' = 'json');\n"
)

CASES: dict[str, tuple[str, list[str]]] = {
    "an unknown column": (
        "INSERT INTO t SELECT id,\n  cuont FROM `${source}`;",
        ["12:3: Flink's planner: Column 'cuont' not found in any table"],
    ),
    "a position after variables in its line": (
        "INSERT INTO t SELECT id, ${n} + cuont FROM `${source}`;",
        ["11:33: Flink's planner: Column 'cuont' not found in any table"],
    ),
    "a syntax error": (
        "INSERT INTO t SELECT id id id FROM `${source}`;",
        ['11:28: Flink\'s planner: Encountered "id"'],
    ),
    "an unknown type": (
        "CREATE TABLE x (a BIGNT);\nINSERT INTO t SELECT 1, 2;",
        ["11:19: Flink's planner: Unknown identifier 'BIGNT'"],
    ),
    "other types than the sink's": (
        "INSERT INTO t SELECT name, id FROM `${source}`;",
        ["11:1: Flink's planner: Column types of query result and sink for 't' do not match."],
    ),
    "an unknown option": (
        "CREATE TABLE x (a BIGINT) WITH ('connector' = 'datagen', 'rows' = '1');\nINSERT INTO t SELECT a, a FROM x;",
        [
            "12:1: Flink's planner: Unable to create a source for reading table 'x'. Unsupported options found for 'datagen'."
        ],
    ),
    "each INSERT of a statement set": (
        "BEGIN STATEMENT SET;\nINSERT INTO t SELECT x, id FROM `${source}`;\nINSERT INTO t SELECT id, y FROM `${source}`;\nEND;",
        ["12:22: Flink's planner: Column 'x' not found", "13:26: Flink's planner: Column 'y' not found"],
    ),
    "the INSERT of a statement set that cannot be planned": (
        FILES
        + "BEGIN STATEMENT SET;\nINSERT INTO t SELECT id, id FROM `${source}`;\nINSERT INTO f SELECT id, COUNT(*) FROM `${source}` GROUP BY id;\nEND;",
        ["14:1: Flink's planner: Table sink 'f' doesn't support consuming update changes"],
    ),
    "a view that is not created": (
        "CREATE VIEW v AS SELECT x FROM `${source}`;\nINSERT INTO t SELECT x, x FROM v;",
        ["11:25: Flink's planner: Column 'x' not found in any table"],
    ),
    "an endless table in batch mode": (
        "SET 'execution.runtime-mode' = 'batch';\nINSERT INTO t SELECT id, COUNT(*) FROM `${source}` GROUP BY id;",
        ["12:1: Flink's planner: Querying an unbounded table 'orders-of-the-shop' in batch mode is not allowed"],
    ),
    "a bucket, whose plugin is not here": (FILES + "INSERT INTO f SELECT id, id FROM `${source}`;", []),
    "a function of the image": (
        "CREATE FUNCTION g AS 'org.example.G';\nINSERT INTO t SELECT id, g(id) FROM `${source}`;",
        ["notice: 12:1: is not planned, because a class is in none of the connectors: "],
    ),
    "a table that is created with its rows": (
        "CREATE TABLE x WITH ('connector' = 'blackhole') AS SELECT id FROM `${source}`;",
        ["notice: 11:1: is not planned: Flink runs this statement in the cluster only"],
    ),
    "a catalog": (
        "CREATE CATALOG c WITH ('type' = 'jdbc');\nUSE CATALOG c;\nINSERT INTO x SELECT 1;",
        [
            "notice: 11:1: creates a catalog, which Flink connects to, so this statement and those after it are not planned"
        ],
    ),
    "a connector of the image": (
        "CREATE TABLE x (a BIGINT) WITH ('connector' = 'own');\nINSERT INTO x SELECT id FROM `${source}`;",
        ["notice: 12:1: is not planned, because its factory is in none of the connectors: "],
    ),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines that the check prints for each case, without the names of files; one planner plans all.

    The case `documented` is the example of the documentation with a mistake.
    """
    require_planner()
    project = Project(tmp_path_factory.mktemp("project"))
    project.stack({"stateStorage": {"type": "volume"}})
    project.job(_documented().replace("SUM(amount)", "SUM(amuont)"), "order_totals.sql")
    files = {title: f"case-{index}" for index, title in enumerate(CASES)}
    for title, (statements, _) in CASES.items():
        project.job(HEADER + TABLES + statements, f"{files[title]}.sql")
    with contextlib.redirect_stderr(io.StringIO()) as printed:
        assert main(["check", "x", "--root", str(project.root), "--planner"]) == 1
    lines = [line for line in printed.getvalue().splitlines() if line.endswith("[sql-planner]")]
    return {
        title: sorted(line.replace(f"jobs/{file}.sql:", "") for line in lines if f"jobs/{file}.sql:" in line)
        for title, file in {**files, "documented": "order_totals"}.items()
    }


def _documented() -> str:
    [example] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/jobs.md").read_text(), re.DOTALL)
    return example


@pytest.mark.parametrize("title", CASES)
def test_errors_of_the_planner_have_line_and_column(report: dict[str, list[str]], title: str) -> None:
    expected = CASES[title][1]
    assert len(report[title]) == len(expected), report[title]
    for line, start in zip(report[title], expected, strict=True):
        assert line.startswith(start), line


def test_error_of_the_documentation_is_that_of_its_example(report: dict[str, list[str]]) -> None:
    [line] = report["documented"]
    assert f"jobs/order_totals.sql:{line}\n" in (ROOT / "docs/jobs.md").read_text()


def test_scripts_of_this_repository_are_good(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the documentation, that of Kafka, the job that `make new` creates, and the test's own."""
    require_planner()
    project.job(_documented(), "documented.sql")
    template = (ROOT / "flink_k8s/operations/new_job/template/script.sql").read_text()
    project.job(template, "template.sql")
    for file in (ROOT / "examples/kafka/jobs/kafka/order_totals.sql", ROOT / "tests/data/sql/order_totals.sql"):
        shutil.copy(file, project.root / "jobs" / f"{file.parent.name}.sql")
    project.stack({"stateStorage": {"type": "volume"}, "jobs": {"kafka": {"parameters": {"brokers": "kafka:9092"}}}})
    assert main(["check", "x", "--root", str(project.root), "--planner"]) == 0, capsys.readouterr().err
    assert "x: Flink's planner has planned 4 SQL jobs\n" in capsys.readouterr().out


def test_planner_gets_the_statements_at_their_places_and_the_options_of_plans() -> None:
    script = script_of(
        "SET 'a' = 'b'; -- c\n  EXECUTE INSERT INTO x SELECT 1;\nADD JAR '/x.jar'",
        "2.2",
        (),
        {"flinkConfiguration": {"table": {"exec.mini-batch.enabled": True}, "rest.port": 1}, "job": {"parallelism": 3}},
    )
    assert [(step.kind, step.text) for step in script.steps] == [("insert", "\n          INSERT INTO x SELECT 1")]
    assert [limit.offset for limit in script.limits] == [54]
    assert script.options == {"table.exec.mini-batch.enabled": "true", "parallelism.default": "3", "a": "b"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE i (a INT) WITH ('connector' = 'iceberg')",
        "CREATE TEMPORARY FUNCTION f AS 'm.f' LANGUAGE PYTHON",
        "CREATE CATALOG c WITH ('type' = 'hive')",
    ],
)
def test_statements_after_one_that_needs_another_system_are_not_planned(statement: str) -> None:
    script = script_of(f"{statement}; INSERT INTO x SELECT 1;", "2.2", (), {})
    assert (script.steps, [limit.offset for limit in script.limits]) == ((), [0])


def test_catalog_in_memory_is_planned() -> None:
    script = script_of("CREATE CATALOG c WITH ('type' = 'generic_in_memory'); INSERT INTO x SELECT 1;", "2.2", (), {})
    assert len(script.steps) == 2


def test_damaged_jar_is_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    damaged = tmp_path / "home" / "planner" / "2.2" / "a-1.jar"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damaged")
    (tmp_path / "a-1.jar").write_bytes(b"a jar")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert jars.fetched([f"{url}/a-1.jar#{hashlib.sha256(b'a jar').hexdigest()}"], "2.2") == [damaged]
        assert damaged.read_bytes() == b"a jar"
        with pytest.raises(CommandError, match=r"cannot be downloaded: .*b-1\.jar.*HTTP status 404"):
            jars.fetched([f"{url}/b-1.jar"], "2.2")
        server.shutdown()


def test_version_without_a_planner_is_not_planned(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    header = HEADER.replace("v2_2", "v1_18").replace("image: pyflink:dev", "image: pyflink:dev-1.18")
    project.job(header + TABLES + "INSERT INTO t SELECT id, ${n} FROM `${source}`;", "totals.sql")
    assert main(["check", "x", "--root", str(project.root), "--planner"]) == 0
    output = capsys.readouterr()
    assert (
        "notice: jobs/totals.sql:1:1: is not planned: it has Flink 1.18; Flink 1.19 and newer have a planner"
        in output.err
    )
    assert "x: Flink's planner has planned 0 SQL jobs, except the statements above" in output.out


def test_origin_is_the_place_in_the_file() -> None:
    script = "a ${x} b '${y}-${y}' c"
    values = {"x": "-1000", "y": "long"}
    rendered = sql_text.substitute(script, values)[0]
    for word in ("a", "b", "c"):
        assert script[sql_text.origin(script, values, rendered.index(f"{word}"))] == word
    assert sql_text.origin(script, values, rendered.index("1000")) == script.index("$")
    assert sql_text.origin(script, values, rendered.index("long")) == script.index("'")
