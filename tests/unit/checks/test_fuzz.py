"""No input ends in a traceback, a control character or a line without end: files are changed at random and checked.

`FLINK_K8S_FUZZ=20` tries twenty times as many.
"""
# ruff: noqa: E501 - data in lines

from __future__ import annotations

import contextlib
import copy
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_k8s.cli.main import main
from flink_k8s.config import stack_file
from flink_k8s.config.problems import LINE_LIMIT
from flink_k8s.program.render import documents, file_names
from flink_k8s.program.run import run_program
from flink_k8s.support.block_yaml import dump
from tests.data import public_manifests
from tests.data.seeds import MANIFESTS, STACK, STACK_WITHOUT_JOBS

ROOT = Path(__file__).resolve().parents[3]
TIMES = float(os.environ.get("FLINK_K8S_FUZZ", "1"))

PLAIN_STACK = "config: {flink-k8s:context: c}\n"

WORDS = [
    "", "~", "null", "yes", "{}", "[]", "{a: 1}", "[a]", "{{ x }}", "{{- if .Values.a }}", "{% if x %}", "$(A)", "${A}", "1e3", "1e999",
    "2.0", "0o644", "010", "08", "-1", ".inf", ".nan", "inf", "9" * 400, "0x", "2020-13-45", "!!int abc", "!!bool ''", "!!binary x",
    "!!set {a}", "!x y", "? [a]", "&a [*a]", "*a", "<<: *a", "<<: 3", "---", "...", "%YAML 9.0", "\t", "|", ">-", "'", '"', "#", ": ",
    '"\\x1b[31m"', '"\\n## x\\n@y"', '"\\u202e"', '"\\0"', "`", "|x|", "a" * 5_000, "\ud7ff", "ü" * 3_000, "1:30", "=", "@", "kind: List",
]  # fmt: skip
"""Text that is put into files."""

ODD = [
    None, "", "x", "X y", "-", "a/b", "../..", "0", "1", "-1", "1e400", "inf", "nan", "1Ei", "1e99999", "9" * 5_000, "\x00", "\x1b[2J", "a\nb\r\n# c",
    "\u2028", "|`*<b>", "x" * 3_000, "10.0.0.0/99", "::/0", "http://[", "http://a:99999", "s3://", "file:///", "http://:0", 0, -1, 1, 2**31, 2**63, 2**64 - 1,
    0.5, 1e-300, 1e300, True, False, [], [None], [[]], ["x", 1], [{"name": "x"}, {"name": "x"}], [{"name": {"a": 1}}], {}, {"x": None}, {"name": [1]},
    {"a.b": {"c": [1, {"d": 2}]}}, {"": ""}, {"\n": 1}, {"$patch": "delete"}, {"secure": "x"}, {"requests": {"memory": [], "cpu": {}}},
]  # fmt: skip
"""Values that are put into objects."""


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in a document."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def changed_text(draw: st.DrawFn, text: str) -> str:
    """A file some of whose lines are changed as text."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["value", "insert", "delete", "indent", "twice", "cut", "word", "char"]))
        line, word = lines[at], draw(st.sampled_from(WORDS))
        if how == "value":
            lines[at] = f"{line.partition(': ')[0]}: {word}"
        elif how == "insert":
            lines.insert(at, word)
        elif how == "delete" and len(lines) > 1:
            del lines[at]
        elif how == "indent":
            lines[at] = " " * draw(st.integers(0, 5)) + line
        elif how == "twice":
            lines.insert(at, line)
        elif how == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        elif how == "word":
            parts = re.split(r"(\w+)", line)
            parts[draw(st.integers(0, len(parts) - 1))] = word
            lines[at] = "".join(parts)
        else:
            lines[at] = line + draw(st.characters(exclude_categories=["Cs"]))
    return "\n".join(lines) + "\n"


@st.composite
def changed_objects(draw: st.DrawFn, text: str) -> str:
    """A file some of whose values are something else."""
    content = list(yaml.safe_load_all(text))
    for _ in range(draw(st.integers(1, 5))):
        every = list(places(content))
        place = every[draw(st.integers(0, len(every) - 1))]
        holder: Any = content
        for part in place[:-1]:
            holder = holder[part]
        how = draw(st.sampled_from(["value", "value", "value", "delete", "add", "rename"]))
        odd = copy.deepcopy(draw(st.sampled_from(ODD)))
        if how == "value" or isinstance(holder, list):
            holder[place[-1]] = odd
        elif how == "delete":
            del holder[place[-1]]
        elif how == "add":
            holder[draw(st.sampled_from(["x", "name", "a.b", "\n`", "Name", "spec", "é" * 2_000]))] = odd
        else:
            holder[draw(st.sampled_from([f"{place[-1]}s", str(place[-1]).upper(), ""]))] = holder.pop(place[-1])
        if not content:
            break
    return yaml.safe_dump_all(content, sort_keys=False, allow_unicode=draw(st.booleans()))


def changed(text: str) -> st.SearchStrategy[str]:
    """A file that is changed in one way or the other, or not at all."""
    return st.just(text) | changed_text(text) | changed_objects(text) | changed_objects(text)


SEEDS = [*MANIFESTS, *(manifest.text for manifest in public_manifests.manifests())]
manifests = (st.sampled_from(MANIFESTS) | st.sampled_from(SEEDS)).flatmap(changed)
stacks = st.sampled_from([PLAIN_STACK, STACK_WITHOUT_JOBS]).flatmap(changed)


@contextlib.contextmanager
def project(manifest: str, stack: str) -> Iterator[Path]:
    """A folder with a job file and a stack."""
    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        (root / "jobs").mkdir()
        (root / "jobs" / "a.yaml").write_text(manifest, encoding="utf-8", errors="surrogatepass")
        (root / "Pulumi.x.yaml").write_text(stack, encoding="utf-8", errors="surrogatepass")
        yield root
    finally:
        shutil.rmtree(root)


def run(root: Path, *options: str) -> tuple[int, list[str]]:
    """Exit code and lines of `check`, which are short and printable."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["check", "x", "--root", str(root), *options])
    lines = out.getvalue().split("\n")
    for line in lines:
        assert line.isprintable(), repr(line)
        assert len(line.encode()) <= LINE_LIMIT, line
    return code, lines


def check(manifest: str, stack: str) -> None:
    with project(manifest, stack) as root:
        code, lines = run(root)
        assert code == (0 if any(line.startswith("x: good; jobs: ") for line in lines) else 1)
        if code:
            assert any("; " in line and not line.startswith(("warning: ", "notice: ")) for line in lines[:-2]), lines
            return
        run(root, "--cost", "markdown")
        names = next(line for line in lines if line.startswith("x: good; jobs: ")).removeprefix("x: good; jobs: ")
        for name in names.split(", "):
            run(root, "--explain", name.partition("/")[2])


@settings(max_examples=int(80 * TIMES), suppress_health_check=list(HealthCheck))
@given(manifest=manifests, stack=st.sampled_from([PLAIN_STACK, STACK, STACK_WITHOUT_JOBS]))
def test_any_job_file_is_good_or_problems(manifest: str, stack: str) -> None:
    check(manifest, stack)


@settings(max_examples=int(50 * TIMES), suppress_health_check=list(HealthCheck))
@given(manifest=st.sampled_from(MANIFESTS), stack=changed(STACK))
def test_any_stack_file_is_good_or_problems(manifest: str, stack: str) -> None:
    check(manifest, stack)


@settings(max_examples=int(8 * TIMES), suppress_health_check=list(HealthCheck))
@given(manifest=manifests, stack=stacks)
def test_accepted_input_can_be_rendered(manifest: str, stack: str) -> None:
    with project(manifest, stack) as root:
        if run(root)[0]:
            return
        for name in ("__main__.py", "Pulumi.yaml", "flink_k8s"):
            (root / name).symlink_to(ROOT / name)
        rendered, _ = documents(run_program(root, "x", stack_file.read(root, "x"), preview=True))
        for document in file_names(rendered).values():
            assert yaml.safe_load(dump(document.manifest)) is not None
