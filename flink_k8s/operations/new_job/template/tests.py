"""The job new-job: its functions, and the whole job in a local Flink (`make test-job JOB=new-job`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.jobs.conftest import load, run_locally

new_job = load("new_job")


@pytest.mark.parametrize(
    ("line", "is_kept"), [("The boat", True), ("on THE quay", True), ("there, then", False), ("", False)]
)
def test_line_with_the_word_is_kept(line: str, is_kept: bool) -> None:
    assert new_job.contains(line, "the") is is_kept


def test_last_value_of_a_repeated_option_applies() -> None:
    arguments = ["--input", "in", "--output", "out", "--word", "the", "--word", "a"]
    assert new_job.parse(arguments) == new_job.Options("in", "out", "a")


def test_job_keeps_the_lines_with_the_word(pyflink_python: str, tmp_path: Path) -> None:
    lines = ["the first", "a second", "and the third"]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    result = run_locally(
        pyflink_python, "new_job", "--input", tmp_path / "in.txt", "--output", tmp_path / "out", "--word", "the"
    )
    assert result.returncode == 0, result.stderr[-2000:]
    output = [line for file in (tmp_path / "out").rglob("part-*") for line in file.read_text().splitlines()]
    assert sorted(output) == sorted(line for line in lines if new_job.contains(line, "the"))
