"""Finds words in documentation and code that docs/style.md replaces by plain ones: `python -m dev.prose [FILE ...]`.

In Markdown files it checks all prose and relative links, and in Python files docstrings, comments and texts with at
least three words; in tests, whose texts are often inputs, docstrings and comments only.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dev.links import broken_links

ROOT: Final = Path(__file__).resolve().parents[1]
PLACES: Final = ("*.md", "docs/**/*.md", "examples/**/*.md", "jobs/**/*.md")
GENERATED: Final = frozenset({"docs/configuration.md"})
SOURCES: Final = (
    "*.py",
    *(f"{folder}/**/*.py" for folder in ("dev", "flink_k8s", "jobs", "policy", "sandbox", "tests")),
)

_WORDS: Final = 3
"""Words of a text from which it is prose, and not a name or an option."""

VOCABULARY: Final = {
    r"says|said|tells|told|speaks of": "sets, specifies, defines, contains or reports",
    r"stands?(?!-)|lies?": "is in, or contains",
    r"comes to": "is, equals or results in",
    r"goes by": "uses",
    r"is no(?!\s+longer)": "is not a, or unknown",
    r"nobody|whoever|anybody|somebody": "no user, or the user",
    r"anew": "again",
    r"by itself": "automatically",
    r"mend|mends|mended|mending": "fix",
    r"reckon|reckons|reckoned": "calculate",
    r"grave": "severe",
    r"in vain": "without success",
    r"besides": "also",
    r"beside": "next to, or compared with",
    r"at once": "immediately, or in one run",
    r"in clear": "in plaintext",
    r"to be had": "available",
    r"is gone|are gone": "does not exist, or was deleted",
    r"away with": "delete",
}
"""Pattern of a phrase (a space matches any whitespace), and what to write instead."""

_RULES: Final = [
    (re.compile(r"\b(?:" + phrase.replace(" ", r"\s+") + r")\b", re.IGNORECASE), plain)
    for phrase, plain in VOCABULARY.items()
]
_NOT_PROSE: Final = re.compile(
    r"^ *```.*?^ *```|<!--[^>]*written by.*?<!-- end of[^>]*-->|<!--.*?-->|`[^`]+`|\]\([^)]*\)",
    re.MULTILINE | re.DOTALL,
)
"""Code blocks, generated parts, comments, inline code and targets of links."""


@dataclass(frozen=True)
class Finding:
    """A phrase that has a plainer one.

    Attributes:
        line: where it is, from 1.
        phrase: as the text has it.
        plain: what to write instead.
    """

    line: int
    phrase: str
    plain: str


def findings(text: str) -> Iterator[Finding]:
    """The phrases of a Markdown text that have a plainer one, by phrase."""
    prose = _NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for rule, plain in _RULES:
        for match in rule.finditer(prose):
            yield Finding(prose.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), plain)


def code_findings(source: str, *, texts: bool = True) -> Iterator[Finding]:
    """The phrases in docstrings, comments and texts of a Python file that have a plainer one.

    Args:
        source: of the file.
        texts: whether to check texts other than docstrings.
    """
    for line, prose in (*_strings(ast.parse(source), texts=texts), *_comments(source)):
        for finding in findings(prose):
            yield replace(finding, line=line + finding.line - 1)


def _strings(tree: ast.AST, *, texts: bool) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring, and of each other text with at least three words."""
    for node in ast.iter_child_nodes(tree):
        is_docstring = isinstance(tree, ast.Expr)
        if isinstance(node, ast.JoinedStr):
            prose = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield from _prose(node.lineno, prose, is_checked=texts)
            for part in node.values:
                yield from _strings(part, texts=texts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _prose(node.lineno, node.value, is_checked=texts or is_docstring)
        else:
            yield from _strings(node, texts=texts)


def _prose(line: int, text: str, *, is_checked: bool) -> Iterator[tuple[int, str]]:
    if is_checked and len(text.split()) >= _WORDS:
        yield line, text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def pages(root: Path = ROOT) -> list[Path]:
    """The Markdown files of the project that people write."""
    files = {file for place in PLACES for file in root.glob(place)}
    return sorted(file for file in files if file.relative_to(root).as_posix() not in GENERATED)


def sources(root: Path = ROOT) -> list[Path]:
    """The Python files of the project, without this file and its test, whose texts are the vocabulary."""
    ours = {Path(__file__), root / "tests" / "unit" / "dev" / "test_prose.py"}
    return sorted(file for place in SOURCES for file in root.glob(place) if file not in ours)


def _file_findings(file: Path, name: str) -> Iterator[Finding]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return code_findings(text, texts="tests/" not in name)
    return findings(text)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m dev.prose", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: the whole project")
    files: list[Path] = parser.parse_args(arguments).files
    count = 0
    for file in files or [*pages(), *sources()]:
        name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)
        for finding in sorted(_file_findings(file, name), key=lambda finding: finding.line):
            print(f'{name}:{finding.line}: "{finding.phrase}": write {finding.plain} (docs/style.md)')
            count += 1
        for line, link in broken_links(file) if file.suffix == ".md" else ():
            print(f"{name}:{line}: {link}: this file or heading does not exist")
            count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
