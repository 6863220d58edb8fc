"""Texts that several commands print."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flink_k8s.support.console import shown_age, table


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=41), "41 s"),
        (timedelta(seconds=61), "1 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3), "3 d"),
        (timedelta(days=3, hours=4, minutes=9), "3 d 4 h"),
    ],
)
def test_ages_have_at_most_two_units(age: timedelta, text: str) -> None:
    assert shown_age(age) == text


def test_cells_of_a_table_are_aligned_without_trailing_spaces() -> None:
    assert table([("JOB", "STATE", "ERROR"), ("a", "", ""), ("orders", "FAILED", "no class")]) == [
        "JOB     STATE   ERROR",
        "a",
        "orders  FAILED  no class",
    ]
