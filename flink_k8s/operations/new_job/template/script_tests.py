"""The job new-job with rows instead of its tables, in a local Flink (`make test-job JOB=new-job`)."""

from __future__ import annotations

from pathlib import Path

from tests.unit.jobs.sql_tables import run_script


def test_job_keeps_the_lines_with_the_word(pyflink_python: str, tmp_path: Path) -> None:
    lines = ["The boat", "on the quay", "there, then", "another line"]
    rows = run_script(
        pyflink_python,
        "new_job",
        tmp_path,
        sources={"texts": [{"line": line} for line in lines]},
        sinks=["kept"],
        parameters={"word": "the"},
    )
    assert rows["kept"] == [{"line": "The boat"}, {"line": "on the quay"}]
