"""The job new-job: its functions, and the whole of it in a Flink on this machine (`make test-job JOB=new-job`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.jobs.conftest import load, run_locally

new_job = load("new_job")


@pytest.mark.parametrize(
    ("line", "is_kept"), [("The boat", True), ("on THE quay", True), ("there, then", False), ("", False)]
)
def test_a_line_is_kept_for_its_words(line: str, is_kept: bool) -> None:
    assert new_job.holds(line, "the") is is_kept


def test_the_last_of_a_repeated_option_wins() -> None:
    said = ["--input", "in", "--output", "out", "--word", "the", "--word", "a"]
    assert new_job.parse(said) == new_job.Options("in", "out", "a")


def test_the_job_keeps_what_the_function_keeps(pyflink_python: str, tmp_path: Path) -> None:
    lines = ["the first", "a second", "and the third"]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    done = run_locally(
        pyflink_python, "new_job", "--input", tmp_path / "in.txt", "--output", tmp_path / "out", "--word", "the"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    kept = [line for file in (tmp_path / "out").rglob("part-*") for line in file.read_text().splitlines()]
    assert sorted(kept) == sorted(line for line in lines if new_job.holds(line, "the"))
