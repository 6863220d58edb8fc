"""Finds words in the documentation that docs/style.md replaces by plain ones: `python -m dev.prose [FILE ...]`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PLACES: Final = ("*.md", "docs/**/*.md", "examples/**/*.md", "jobs/**/*.md")
GENERATED: Final = frozenset({"docs/configuration.md"})

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


def pages(root: Path = ROOT) -> list[Path]:
    """The Markdown files of the project that people write."""
    files = {file for place in PLACES for file in root.glob(place)}
    return sorted(file for file in files if file.relative_to(root).as_posix() not in GENERATED)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m dev.prose", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all pages of the project")
    files: list[Path] = parser.parse_args(arguments).files
    count = 0
    for file in files or pages():
        name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
        for finding in sorted(findings(file.read_text(encoding="utf-8")), key=lambda finding: finding.line):
            print(f'{name}:{finding.line}: "{finding.phrase}": write {finding.plain} (docs/style.md)')
            count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
