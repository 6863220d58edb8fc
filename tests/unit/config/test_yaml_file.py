"""Unusual YAML is read as Kubernetes's tools read it, or reported with its line; nothing hangs or raises."""

# ruff: noqa: E501 - a case a line reads best

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.problems import YAML
from flink_k8s.config.yaml_file import MAX_BYTES, parse, read

SECONDS = 20
"""None of the traps may take longer; they take a second on an idle machine."""


def value_of(text: str) -> object:
    documents, problems = parse(text, "f.yaml")
    assert not problems
    [document] = documents
    return document.value


def problem_of(text: str) -> str:
    _, problems = parse(text, "f.yaml")
    [problem] = problems
    assert problem.rule == YAML
    return str(replace(problem, rule=""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", 'f.yaml:2: a: is a duplicate key (first in line 1); remove one of them'),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml:4: a.b: is a duplicate key (first in line 2); remove one of them"),
        ("a: {<<: {b: 1}}\nc:\n  <<: {d: 1}\n  <<: {e: 2}\n", "f.yaml:4: c.<<: is a duplicate key; write one with a list: <<: [*a, *b]"),
        ("a: 1\r\nb:\r\n  c: 2\r\n  c: 3\r\n", "f.yaml:4: b.c: is a duplicate key (first in line 3); remove one of them"),
        ("a:\n\tb: 1\n", "f.yaml:2: is not valid YAML: a tab in the indentation; indent with spaces"),
        ("on: push\n", 'f.yaml:1: contains the key on, which YAML reads as true; write "on"'),
        ("a:\n  no: 1\n", 'f.yaml:2: a: contains the key no, which YAML reads as false; write "no"'),
        ("? [a]\n: 1\n", "f.yaml:1: contains a key that is not plain text; use text as keys"),
        ("a: !!binary aGk=\n", "f.yaml:1: a: is binary data; write text"),
        ("a: !custom {b: 1}\n", "f.yaml:1: a: has the tag !custom, which is not supported; remove it"),
        ("a: .inf\n", 'f.yaml:1: a: is .inf, which is not a number in Kubernetes; quote it: ".inf"'),
        ("2020-13-45: {}\n!!int abc: 1\n", "f.yaml:2: contains the key abc, which is not a plain value (tag tag:yaml.org,2002:int);"
         " quote the key"),
        ("!!float abc: 1\n", "f.yaml:1: contains the key abc, which is not a plain value (tag tag:yaml.org,2002:float); quote the key"),
        ("!!bool abc: 1\n", "f.yaml:1: contains the key abc, which is not a plain value (tag tag:yaml.org,2002:bool); quote the key"),
        ("!custom abc: 1\n", "f.yaml:1: contains the key abc, which is not a plain value (tag !custom); quote the key"),
        ("a: !!int ''\n", "f.yaml:1: a: is not a plain value (tag tag:yaml.org,2002:int); quote the text"),
        ("a: !!float ''\n", "f.yaml:1: a: is not a plain value (tag tag:yaml.org,2002:float); quote the text"),
        ("a: !!bool abc\n", "f.yaml:1: a: is not a plain value (tag tag:yaml.org,2002:bool); quote the text"),
        ("a: !!int 0x\n", "f.yaml:1: a: is not a plain value (tag tag:yaml.org,2002:int); quote the text"),
        ("a: !!set {b: null}\n", "f.yaml:1: a: has the tag tag:yaml.org,2002:set, which is not supported; remove it"),
        ("a: !!int [1]\n", "f.yaml:1: a: has the tag tag:yaml.org,2002:int, which is not supported; remove it"),
        ("a: 1" + "0" * 300 + "\n", "f.yaml:1: a: is a number of more than 64 bits, which Kubernetes rounds; quote it"),
        ("a:\n- name: {{ volumeName }}\n", "f.yaml:2: a[0].name: is an unrendered template expression {{ … }};"
         " render the template and keep its output, or quote the text"),
        ("{{- if .Values.x }}\na: 1\n{{- end }}\n", "f.yaml:1: is not valid YAML: the file contains the template expression"
         " {{- if .Values.x }}; render the template and keep its output"),
        ("{% if x %}\na: 1\n{% endif %}\n", "f.yaml:1: is not valid YAML: the file contains the template expression"
         " {% if x %}; render the template and keep its output"),
        ("a: &a [*a]\n", "f.yaml:1: a[0]: contains itself through an alias; remove the alias"),
        ("a: é\nb: c\x07d\n", "f.yaml:2: contains the character U+0007, which YAML does not allow; remove it"),
        ("a: *gone\n", "f.yaml:1: is not valid YAML: found undefined alias; fix the syntax"),
        ("b:\n  <<: 3\n", "f.yaml:2: is not valid YAML: while constructing a mapping expected a mapping or list of mappings"
         " for merging, but found scalar; fix the syntax"),
    ],
)  # fmt: skip
def test_invalid_yaml_is_reported_with_its_line(text: str, message: str) -> None:
    assert problem_of(text) == message


@pytest.mark.parametrize("text", ["a: [1\n", "a: {b\n", "a: 'x\n", "a: b: c\n", "- a\nb: 1\n", "%YAML 9.0\n--- x"])
def test_broken_syntax_is_one_problem_in_one_line(text: str) -> None:
    actual = problem_of(text)
    assert "is not valid YAML" in actual
    assert "\n" not in actual


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: 1\r\nb: x\r\n", {"a": 1, "b": "x"}),
        ("a: 2024-01-01\nb: 2024-01-01T00:00:00Z\n", {"a": "2024-01-01", "b": "2024-01-01T00:00:00Z"}),
        ("a: 1:30\nb: 12:30:45.5\nc: =\n", {"a": "1:30", "b": "12:30:45.5", "c": "="}),
        ("a: on\nb: NO\nc: true\n", {"a": True, "b": False, "c": True}),
        ("a: 2.0\nb: 1.8e+06\nc: 1e3\nd: 0.10\ne: 5.\n", {"a": 2, "b": 1800000, "c": 1000, "d": 0.1, "e": 5}),
        ("a: 0o644\nb: 0644\nc: 0x1F\nd: 0b11\ne: 1_000\nf: 08\n", {"a": 420, "b": 420, "c": 31, "d": 3, "e": 1000, "f": 8}),
        ("a: 1e999\nb: 1.2.3\nc: '1e3'\nd: -.5\ne: +7\n", {"a": "1e999", "b": "1.2.3", "c": "1e3", "d": -0.5, "e": 7}),
        ("1: a\n2.5: b\nnull: c\n", {"1": "a", "2.5": "b", "null": "c"}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: &x {b: 1}\ne: &y {b: 2, c: 3}\nd: {<<: [*x, *y]}\n",
         {"a": {"b": 1}, "e": {"b": 2, "c": 3}, "d": {"b": 1, "c": 3}}),
    ],
)  # fmt: skip
def test_reads_as_kubernetes_tools_do(text: str, value: object) -> None:
    assert value_of(text) == value


def test_integral_numbers_are_integers() -> None:
    assert isinstance(value_of("2.0"), int)


def test_original_text_of_converted_values_is_kept() -> None:
    [document], _ = parse("a: no\nb: true\nc: 1.10\nd: 010\ne: 7\nf: [yes, 'no']\n", "f.yaml")
    assert document.written == {("a",): "no", ("c",): "1.10", ("d",): "010", ("f", 0): "yes"}


def test_lines_of_values_and_missing_keys() -> None:
    [first, second], _ = parse("a:\n  b:\n  - 1\n  - c: 2\n---\n\nx: 1\n", "f.yaml")
    assert first.line(("a", "b", 1, "c")) == 4
    assert first.line(("a", "b", 1, "absent", "deeper")) == 4
    assert second.line(("x",)) == 7
    assert str(first.problem(("a", "b.c", 0), "x; y")) == 'f.yaml:1: a["b.c"][0]: x; y [yaml]'


def test_empty_documents_are_none() -> None:
    assert parse("---\n---\n# nothing\n", "f.yaml") == ([], [])


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"b{i}: &b{i} [{','.join(['*a' if i == 0 else f'*b{i - 1}'] * 9)}]\n" for i in range(12)),
    "merge keys": "a: &a {k: 1}\n"
    + "".join(f"b{i}: &b{i}\n  <<: [{','.join(['*a' if i == 0 else f'*b{i - 1}'] * 9)}]\n" for i in range(12)),
    "brackets": "[" * 100_000,
    "dashes": "- " * 100_000 + "x",
    "alias chain": "a: &a0 {x: 1}\n" + "".join(f"b{i}: &a{i} {{x: *a{i - 1}}}\n" for i in range(1, 3000)),
    "merge chain": "a: &a0 {x: 1}\n" + "".join(f"b{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 3000)),
    "long key": "? " + "x" * 900_000 + "\n: 1\n",
    "many keys": "".join(f"k{i}: 1\n" for i in range(40_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_neither_hang_nor_raise(name: str) -> None:
    start = time.monotonic()
    documents, problems = parse(BOMBS[name], "f.yaml")
    assert time.monotonic() - start < SECONDS
    assert documents or problems


def test_fifty_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    start = time.monotonic()
    _, [problem] = read(path, "big.yaml")
    assert time.monotonic() - start < 1
    assert str(replace(problem, rule="")) == (
        f"big.yaml: has 50,000,000 bytes, which exceeds {MAX_BYTES:,}; move data to another file"
    )


def test_invalid_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: Größe\n".encode("latin-1"))
    assert [str(p) for p in read(path, "latin.yaml")[1]] == ["latin.yaml:2: is not UTF-8; save it as UTF-8 [yaml]"]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    _, [problem] = read(tmp_path / "none.yaml", "none.yaml")
    assert "cannot be read: No such file or directory" in str(problem)


@given(st.text(max_size=200))
def test_any_text_is_documents_or_problems(text: str) -> None:
    documents, problems = parse(text, "f.yaml")
    assert all("; " in problem.message for problem in problems)
    assert all(document.value is not None for document in documents)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64) + 1, 2**64 - 1)
    # PyYAML writes a text such as 08 without quotes, and kubectl reads that as a number.
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"])).filter(lambda text: not text.isdecimal()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz.-", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c.d"]), plain, min_size=1))
def test_dumped_yaml_is_read_unchanged(value: dict[str, object]) -> None:
    assert value_of(yaml.safe_dump(value, allow_unicode=True)) == value
