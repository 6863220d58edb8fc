"""The workflows write one comment and one issue on GitHub, and update them. A script replaces `gh`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from flink_k8s.support.paths import ROOT

SCRIPTS = ROOT / ".github" / "scripts"
HOSTILE = "$(touch hit)`touch hit`\"; touch hit; 'x"
GH = """#!/bin/sh
printf "%s|" "$@" >> calls
echo >> calls
[ -z "$GH_FAILS" ] || exit 1
while [ $# -gt 0 ]; do
    if [ "$1" = --jq ]; then jq -r "$2" answer; fi
    shift
done
"""


class Runner:
    """Runs the scripts in a folder of their own, where `answer` is what GitHub answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH)
        gh.chmod(0o755)
        self.answer([])

    def answer(self, items: Sequence[object]) -> None:
        (self.folder / "answer").write_text(json.dumps(items))

    def run(self, script: str, *words: str, **environment: str) -> int:
        env = {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "GH_REPO": "a/b", **environment}
        return subprocess.run([SCRIPTS / script, *words], cwd=self.folder, env=env, check=False).returncode

    @property
    def writes(self) -> list[list[str]]:
        """The calls of `gh` that change something; the first call only reads."""
        first, *rest = (self.folder / "calls").read_text().splitlines()
        assert "--jq" in first
        return [call.rstrip("|").split("|") for call in rest]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    if shutil.which("jq") is None:
        pytest.skip("jq is not on PATH; `gh` has one built in")
    return Runner(tmp_path)


MARK = "<!-- mark -->"
ISSUES = "repos/a/b/issues"
PATCH = ("api", "--silent", "--method", "PATCH")


def commented(number: int, body: str, user: str = "Bot") -> dict[str, object]:
    return {"id": number, "body": body, "user": {"type": user}}


@pytest.mark.parametrize("others", [[], [commented(1, "hello"), commented(2, f"{MARK}\nmine", "User")]])
def test_the_first_comment_is_created(runner: Runner, others: list[dict[str, object]]):
    (runner.folder / "review.md").write_text(f"{MARK}\ntext\n")
    runner.answer(others)
    assert runner.run("comment", "review.md", PULL_REQUEST="7") == 0
    assert runner.writes == [["api", "--silent", "repos/a/b/issues/7/comments", "--field", "body=@review.md"]]


def test_a_comment_is_updated(runner: Runner):
    (runner.folder / "review.md").write_text(f"{MARK}\ntext\n")
    runner.answer([commented(1, "hello"), commented(12, f"{MARK}\nold"), commented(13, f"{MARK}\nolder")])
    assert runner.run("comment", "review.md", PULL_REQUEST="7") == 0
    [call] = runner.writes
    assert call[-5:] == ["--method", "PATCH", "repos/a/b/issues/comments/12", "--field", "body=@review.md"]


def test_no_comment_is_written_if_comments_cannot_be_read(runner: Runner):
    (runner.folder / "review.md").write_text(f"{MARK}\ntext\n")
    assert runner.run("comment", "review.md", PULL_REQUEST="7", GH_FAILS="1") != 0
    assert runner.writes == []


def test_a_review_that_does_not_exist_is_a_failure(runner: Runner):
    assert runner.run("comment", "review.md", PULL_REQUEST="7") != 0
    assert not (runner.folder / "calls").exists()


@pytest.mark.parametrize(
    "others", [[], [{"number": 2, "title": "Drift in staging"}, {"number": 4, "title": HOSTILE, "pull_request": {}}]]
)
def test_drift_opens_an_issue_and_its_title_is_never_code(runner: Runner, others: list[dict[str, object]]):
    (runner.folder / "drift.md").write_text("changed\n")
    runner.answer(others)
    assert runner.run("issue", HOSTILE, "drift.md") == 0
    [call] = runner.writes
    assert call == ["api", "--silent", ISSUES, "--raw-field", f"title={HOSTILE}", "--field", "body=@drift.md"]
    assert not (runner.folder / "hit").exists()


def test_drift_updates_the_open_issue(runner: Runner):
    (runner.folder / "drift.md").write_text("changed\n")
    runner.answer([{"number": 3, "title": HOSTILE}])
    assert runner.run("issue", HOSTILE, "drift.md") == 0
    assert runner.writes == [[*PATCH, f"{ISSUES}/3", "--field", "body=@drift.md"]]


@pytest.mark.parametrize("number", [3, None])
def test_without_drift_the_open_issue_is_closed(runner: Runner, number: int | None):
    runner.answer([{"number": number, "title": "Drift in prod"}] if number else [])
    assert runner.run("issue", "Drift in prod", "drift.md") == 0
    assert runner.writes == ([[*PATCH, f"{ISSUES}/3", "--raw-field", "state=closed"]] if number else [])


def test_an_issue_is_not_opened_twice_if_the_list_cannot_be_read(runner: Runner):
    (runner.folder / "drift.md").write_text("changed\n")
    assert runner.run("issue", "Drift in prod", "drift.md", GH_FAILS="1") != 0
    assert runner.writes == []
