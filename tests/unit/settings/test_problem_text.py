"""How problems read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from settings.problems import Problem, ProblemsError, dotted, nearest


def test_a_path_reads_as_people_write_it() -> None:
    assert dotted(("spec", "job", "args", 2)) == "spec.job.args[2]"
    assert (
        dotted(("spec", "flinkConfiguration", "state.backend.type")) == 'spec.flinkConfiguration["state.backend.type"]'
    )
    assert dotted(()) == ""


def test_the_nearest_name_or_what_is_known() -> None:
    assert nearest("paralelism", ["image", "parallelism"]) == 'did you mean "parallelism"?'
    assert nearest("zzz", ["b", "a"]) == "known here: a, b"
    assert nearest("zzz", []) == "nothing is allowed here"


def test_all_problems_sorted_each_once() -> None:
    one, two, three = Problem("b", 1, "", "x; y"), Problem("a", 9, "p", "x; y"), Problem("a", 2, "p", "x; y")
    error = ProblemsError([one, two, three, one])
    assert str(error).splitlines() == ["a:2: p: x; y", "a:9: p: x; y", "b:1: x; y"]


@given(st.text("abcdefghij", min_size=1), st.lists(st.text("abcdefghij", min_size=1)))
def test_a_hint_is_always_one_of_the_known(word: str, known: list[str]) -> None:
    said = nearest(word, known)
    assert said.startswith(("known here", "nothing")) or any(f'"{name}"' in said for name in known)
