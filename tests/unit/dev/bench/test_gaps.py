"""The gaps in the output of a job: the longest one, and the table."""

from __future__ import annotations

import pytest

from dev.bench.gaps import Gap, longest, table


def test_the_longest_time_between_two_files_counts_from_the_last_file_before_the_event() -> None:
    assert longest([1, 9, 10, 14, 15], begun=11) == 4
    assert longest([15, 14, 10, 9, 1], begun=11) == 4
    assert longest([1, 2, 3, 10, 11], begun=2.5) == 7


@pytest.mark.parametrize("begun", [0, 5])
def test_a_gap_needs_files_before_and_after_the_event(begun: float) -> None:
    with pytest.raises(ValueError, match="files were published before the event"):
        longest([1, 2], begun)


def test_a_row_has_each_run_of_each_variant() -> None:
    gaps = [
        Gap("JobManager killed", "plain", 12.34, 0, 500),
        Gap("JobManager killed", "fast", 15, 0, 0),
        Gap("JobManager killed", "fast", 16, 0, 0),
        Gap("operator killed", "fast", 1, 0, 0),
    ]
    assert table("a machine", gaps).splitlines()[-2:] == [
        "| JobManager killed | 12.3 s, 500 doubled | - | 15.0, 16.0 s |",
        "| operator killed | - | - | 1.0 s |",
    ]
