"""Check the subjects of new commits against docs/style.md: `python -m dev.commits --base origin/main`."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Final

from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import capture, errors

LONGEST: Final = 72
"""Maximum number of characters of a subject."""

_NOT_IMPERATIVE: Final = re.compile(r"[A-Z][a-z]+(?:ed|ing)\b")
_PAST_BY_FORM: Final = frozenset({"Embed", "Feed", "Need", "Seed", "Speed", "Exceed", "Bring", "Ping", "String"})
"""Imperatives that end like a past tense or a participle."""


def problem(subject: str) -> str:
    """The problem of a subject and its remedy; empty if there is none."""
    if subject.startswith(("Merge ", "Revert ")):
        return ""
    if len(subject) > LONGEST:
        return f"has {len(subject)} characters; write at most {LONGEST}, and the rest into the body"
    first = subject.split(" ", 1)[0]
    if not re.match(r"[A-Z]", subject) or (_NOT_IMPERATIVE.fullmatch(first) and first not in _PAST_BY_FORM):
        return 'does not begin with an imperative; write for example "Alert on TaskManager OOM kills"'
    if subject.endswith(".") or ";" in subject:
        return "is more than one change or ends with a period; write one change without a period"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 if a subject has a problem."""
    parser = argparse.ArgumentParser(prog="python -m dev.commits", description=__doc__)
    parser.add_argument("--base", default="origin/main", help="commits since this one are checked")
    base: str = parser.parse_args(arguments).base
    log = ["git", "log", "--no-merges", "--format=%h %s", "--end-of-options", f"{base}..HEAD"]
    result = capture(log, cwd=ROOT)
    if result.returncode != 0:
        print(f"error: git log failed: {errors(result)}", file=sys.stderr)
        return 1
    wrong = [(line, problem(line.split(" ", 1)[1])) for line in result.stdout.decode(errors="replace").splitlines()]
    for line, message in wrong:
        if message:
            print(f"{line}: {message} (docs/style.md)")
    return int(any(message for _, message in wrong))


if __name__ == "__main__":
    sys.exit(main())
