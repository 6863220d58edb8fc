"""Subjects of commits as docs/style.md describes them."""

from __future__ import annotations

import pytest

from dev.commits import problem


@pytest.mark.parametrize(
    "subject", ["Alert on TaskManager OOM kills", "Merge branch 'x'; y.", "Embed the schema", "CI: run the tests"]
)
def test_a_good_subject_is_accepted(subject: str):
    assert problem(subject) == ""


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("x" * 73, "has 73 characters"),
        ("alert on kills", "imperative"),
        ("Added an alert", "imperative"),
        ("Adding an alert", "imperative"),
        ("Add an alert; fix the dashboard", "more than one change"),
        ("Add an alert.", "period"),
    ],
)
def test_a_subject_that_breaks_the_style_is_reported(subject: str, message: str):
    assert message in problem(subject)
