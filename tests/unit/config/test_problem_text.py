"""How problems read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.problems import LINE_LIMIT, Problem, ProblemsError, code_span, dotted, nearest, printable


def test_a_path_reads_as_people_write_it() -> None:
    assert dotted(("spec", "job", "args", 2)) == "spec.job.args[2]"
    assert (
        dotted(("spec", "flinkConfiguration", "state.backend.type")) == 'spec.flinkConfiguration["state.backend.type"]'
    )
    assert dotted(()) == ""


def test_remedy_is_the_nearest_name_or_the_known_names() -> None:
    assert nearest("paralelism", ["image", "parallelism"]) == 'did you mean "parallelism"?'
    assert nearest("zzz", ["b", "a"]) == "use one of: a, b"
    assert nearest("zzz", []) == "remove it"


def test_problems_are_sorted_and_unique() -> None:
    first, second, third = Problem("b", 1, "", "x; y"), Problem("a", 9, "p", "x; y"), Problem("a", 2, "p", "x; y")
    error = ProblemsError([first, second, third, first])
    assert str(error).splitlines() == ["a:2: p: x; y", "a:9: p: x; y", "b:1: x; y"]


@given(st.text("abcdefghij", min_size=1), st.lists(st.text("abcdefghij", min_size=1)))
def test_a_hint_is_always_one_of_the_known(word: str, known: list[str]) -> None:
    actual = nearest(word, known)
    assert actual.startswith(("use one of", "remove it")) or any(f'"{name}"' in actual for name in known)


def test_a_problem_is_one_line_without_control_characters() -> None:
    problem = Problem("jobs/a\x1b[31m.yaml", 3, dotted(("x`\n\n## good", "b\u202ec")), "is \r\n\x07; remove it")
    assert str(problem) == "jobs/a\\x1b[31m.yaml:3: x`\\n\\n## good.b\\u202ec: is \\r\\n\\x07; remove it"


@given(st.text(), st.lists(st.text()), st.text(), st.sampled_from([1, 10_000]))
def test_any_problem_is_a_short_printable_line(file: str, path: list[str], message: str, times: int) -> None:
    actual = str(Problem(file * times, 1, dotted(tuple(key * times for key in path)), message * times))
    assert actual.isprintable()
    assert len(actual.encode()) <= LINE_LIMIT


def test_a_long_message_keeps_its_beginning_and_its_remedy() -> None:
    actual = str(Problem("f", 1, "p", "is " + "x" * 5000 + "; write less"))
    assert actual.startswith("f:1: p: is xxx")
    assert actual.endswith("xxx; write less")


@given(st.text("a`\n @"))
def test_code_in_markdown_cannot_be_left(text: str) -> None:
    span = code_span(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)]
    assert printable(text) in span
    assert "\n" not in span
