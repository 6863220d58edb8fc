"""Runs a SQL job file in a local Flink, with rows instead of its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flink_k8s.config import sql_file, sql_text
from flink_k8s.config.model import JobSettings
from flink_k8s.config.sql_text import Statement
from flink_k8s.resolve.sql import parameters as header_parameters
from flink_k8s.resolve.sql import steps
from tests.unit.jobs.conftest import ROOT, run_locally

Row = Mapping[str, Any]


def with_files(script: str, folders: Mapping[str, Path]) -> str:
    """The script with files of JSON instead of the connectors of some tables.

    Args:
        script: with CREATE TABLE statements for these tables.
        folders: with the rows of a table, by its name.
    """
    missing = set(folders)
    for statement in reversed(sql_text.split(script)[0]):  # from the end: offsets before it remain valid
        name = table_of(statement)
        if name in missing:
            missing.remove(name)
            start, end = _options(statement)
            options = f"('connector' = 'filesystem', 'format' = 'json', 'path' = '{folders[name]}')"
            script = script[:start] + options + script[end:]
    assert not missing, f"the script does not create the tables {sorted(missing)} with options"
    return script


def table_of(statement: Statement) -> str:
    """The table that a statement creates; empty for another statement."""
    words = statement.words
    if words[:1] != ("CREATE",) or "TABLE" not in words[:3]:
        return ""
    index = words.index("TABLE") + 1
    index += 3 * (words[index : index + 3] == ("IF", "NOT", "EXISTS"))
    return statement.tokens[index].value


def _options(statement: Statement) -> tuple[int, int]:
    """Start and end of the options in parentheses after WITH, in the script."""
    depth = 0
    start = None
    for before, token in zip(statement.tokens, statement.tokens[1:], strict=False):
        depth += token.text == "("
        if token.text == "(" and depth == 1 and before.word == "WITH":
            start = token.offset
        depth -= token.text == ")"
        if token.text == ")" and depth == 0 and start is not None:
            return start, token.offset + 1
    raise AssertionError(f"{statement.text} has no options; add WITH (…)")


def run_script(
    python: str,
    module: str,
    folder: Path,
    *,
    sources: Mapping[str, Sequence[Row]],
    sinks: Sequence[str],
    parameters: Mapping[str, str] | None = None,
) -> dict[str, list[Row]]:
    """The rows that a SQL job writes, by table, sorted by their text; the job runs in batch mode.

    Args:
        python: an interpreter with PyFlink.
        module: name of the job file without its suffix.
        folder: for the files of the tables.
        sources: the rows that the job reads instead of its own, by table.
        sinks: the tables that it writes.
        parameters: values of variables instead of those in the job file.
    """
    sql, problems = sql_file.read(ROOT / "jobs" / f"{module}.sql", f"jobs/{module}.sql")
    assert sql is not None, problems
    assert problems == []
    settings = JobSettings.model_validate({"parameters": parameters or {}})
    values = header_parameters(sql.settings) | header_parameters(settings)
    script, faults, _ = sql_text.substitute(sql.script, values)
    assert faults == []
    for table, rows in sources.items():
        (folder / table).mkdir()
        (folder / table / "rows.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    script = with_files(script, {table: folder / table for table in (*sources, *sinks)})
    statements = folder / "statements.json"
    statements.write_text(json.dumps([{"set": ["execution.runtime-mode", "batch"]}, *steps(script)]))
    result = run_locally(python, "sql_job", statements, "--wait")
    assert result.returncode == 0, result.stderr[-2000:]
    return {table: _rows(folder / table) for table in sinks}


def _rows(folder: Path) -> list[Row]:
    lines = [line for file in folder.rglob("part-*") for line in file.read_text().splitlines()]
    return [json.loads(line) for line in sorted(lines)]
