"""The program that runs the statements of SQL job files, and rows instead of the tables of a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.jobs.conftest import load, run_locally
from tests.unit.jobs.sql_tables import with_files

sql_job = load("sql_job")


def test_a_secret_replaces_its_reference_and_cannot_end_the_text(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "password").write_text("it's; $1\\1\n")
    statement = "SET 'a' = 'x=${secret:kafka/password};'"
    assert sql_job.with_secrets(statement, tmp_path) == "SET 'a' = 'x=it''s; $1\\1;'"
    with pytest.raises(FileNotFoundError):
        sql_job.with_secrets("'${secret:kafka/user}'", tmp_path)


def test_files_replace_the_connectors_of_tables() -> None:
    script = (
        "CREATE TABLE IF NOT EXISTS `a` (id INT, s STRING DEFAULT (1)) WITH ('connector' = ')');\n"
        "CREATE TABLE b (id INT) WITH ('connector' = 'b') -- x\n;"
        "CREATE TEMPORARY TABLE c (id INT) WITH ('connector' = 'c');"
    )
    assert with_files(script, {"a": Path("/a"), "c": Path("/c")}) == (
        "CREATE TABLE IF NOT EXISTS `a` (id INT, s STRING DEFAULT (1)) WITH ('connector' = 'filesystem',"
        " 'format' = 'json', 'path' = '/a');\n"
        "CREATE TABLE b (id INT) WITH ('connector' = 'b') -- x\n;"
        "CREATE TEMPORARY TABLE c (id INT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '/c');"
    )
    with pytest.raises(AssertionError, match="does not create the tables"):
        with_files(script, {"d": Path("/d")})


def test_statements_run_in_their_order(pyflink_python: str, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "out").mkdir(parents=True)
    (tmp_path / "secrets" / "out" / "path").write_text(str(tmp_path / "rows"))
    options = "'connector' = 'filesystem', 'format' = 'csv', 'path' = '${secret:out/path}'"
    steps = [
        {"set": ["execution.runtime-mode", "batch"]},
        {"sql": f"CREATE TABLE a (id INT) WITH ({options})"},
        {"set": ["pipeline.name", "three rows"]},
        {"sql": "SHOW TABLES"},
        {"inserts": ["INSERT INTO a VALUES (1), (2)", "INSERT INTO a VALUES (3)"]},
    ]
    (tmp_path / "steps.json").write_text(json.dumps(steps))
    environment = {"SQL_SECRETS": str(tmp_path / "secrets")}
    result = run_locally(pyflink_python, "sql_job", tmp_path / "steps.json", "--wait", environment=environment)
    assert result.returncode == 0, result.stderr[-2000:]
    assert "table name" in result.stdout
    rows = [line for file in (tmp_path / "rows").rglob("part-*") for line in file.read_text().splitlines()]
    assert sorted(rows) == ["1", "2", "3"]
