# ruff: noqa: RUF001, the texts are in other scripts on purpose
"""The job itself, run by the Flink that is in a Python of this machine; the cluster's tests run it in its image."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from tests.unit.jobs.conftest import SOURCES, run_locally
from tests.word_reference import reference_words


def test_counts_again_and_again(pyflink_python: str, tmp_path: Path) -> None:
    texts = {
        "bom.txt": "\ufeffΟΔΟΣ ΑΣ'Β ΑΣ' İstanbul ẞ".encode(),
        "lines.txt": "one\u2028two\x0bthree\x85four\r\nfive\rsix\n\nseven".encode(),
        "marks.txt": "किताब हिन्दी don’t don't cafe\u0301 caf\u00e9 می\u200cخواهم ภาษาไทยที่นี่".encode(),
        "nul.txt": b"a\0b \0\0 c_d e'f 'g'",
        "astral.txt": "𐐀𐐁 😀a😀b 𠀀字 नमस्ते שלום".encode(),
        "not-utf8.txt": b"caf\xe9 \xed\xa0\x80x \xf0\x9f\x98A \xc0\xafb \xe2\x82",
        "long.txt": b"word " * 200_000,
        "empty.txt": b"",
    }
    (tmp_path / "in/deeper").mkdir(parents=True)
    for name, text in texts.items():
        (tmp_path / "in" / name).write_bytes(text)
    (tmp_path / "in/deeper/more.txt").write_text("more More")
    # Enough words for every bucket to have some: a bucket's end and the next one's beginning overlap.
    shutil.copytree(SOURCES.parent / "input", tmp_path / "in/shipped")
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.txt").write_text("not the job's")

    expected: Counter[str] = Counter()
    for path in (tmp_path / "in").rglob("*.txt"):
        text = path.read_text("utf-8", errors="replace")
        expected += Counter(reference_words(text))
    result = run_locally(pyflink_python, "word_count", "--input", tmp_path / "in", "--output", output)
    assert result.returncode == 0, result.stderr[-2000:]
    assert read(output) == expected

    result = run_locally(pyflink_python, "word_count", "--input", tmp_path / "in/empty.txt", "--output", output)
    assert result.returncode == 0, result.stderr[-2000:]
    assert read(output) == {}
    assert (output / "notes.txt").read_text() == "not the job's"


def test_invalid_paths_are_reported(pyflink_python: str, tmp_path: Path) -> None:
    before = tmp_path / "out/word-counts-0a-0.tsv"
    before.parent.mkdir()
    before.write_text("earlier\t1\n")
    result = run_locally(pyflink_python, "word_count", "--input", tmp_path / "nothing", "--output", tmp_path / "out")
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: the job failed: java.io.FileNotFoundException: ")
    assert str(tmp_path / "nothing") in line
    assert "Traceback" not in result.stderr
    assert before.exists(), "the earlier output went although there was no new one"
    result = run_locally(pyflink_python, "word_count", "--input", tmp_path, "--output", tmp_path / "out")
    assert (result.returncode, "the folder is inside of the input" in result.stderr) == (1, True)
    (tmp_path / "_in").touch()
    result = run_locally(pyflink_python, "word_count", "--input", tmp_path / "_in", "--output", tmp_path / "out")
    assert (result.returncode, "rename it" in result.stderr) == (1, True)
    assert before.exists()


def read(output: Path) -> dict[str, int]:
    """The counts as a reader of the output finds them."""
    lines = [line for path in output.glob("word-counts-*") for line in path.read_text("utf-8").split("\n") if line]
    counts = dict(line.split("\t") for line in lines)
    assert len(counts) == len(lines)
    return {word: int(count) for word, count in counts.items()}
