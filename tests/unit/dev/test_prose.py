"""The vocabulary check of documentation and code."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import prose


def phrases(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.phrase) for finding in prose.findings(text)]


@pytest.mark.parametrize(
    "text",
    [
        "The file says it.",
        "It stands in the state file.",
        "Run it anew.",
        "It restarts by itself.",
        "Mend the spec.",
        "This is no job.",
        "Nobody reads it.",
        "It runs beside the JVM.",
        "It fails at once.",
        "It is stored in clear.",
    ],
)
def test_phrase_is_found(text: str) -> None:
    assert len(phrases(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The job is no longer running.",
        "It is recommended to amend the commit.",
        "A stand-in without logic.",
        "Two standby JobManagers.",
        "Use `beside` as a name.",
        "```text\nthe file says it\n```",
        "[the rules](page.md#how-grave-a-finding-is)",
        "<!-- table: written by make x -->\n| here | beside |\n<!-- end of table -->",
    ],
)
def test_other_text_is_not_found(text: str) -> None:
    assert phrases(text) == []


def test_finding_has_the_line_of_its_first_word() -> None:
    assert phrases("# Title\n\n```bash\nmake up\n```\n\nIt restarts by\nitself.\n") == [(7, "by itself")]


def test_command_prints_place_and_replacement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nRun it anew.\n")
    assert prose.main([str(page)]) == 1
    assert capsys.readouterr().out == f'{page}:3: "anew": write again (docs/style.md)\n'


def test_command_prints_broken_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("See [the other page](other.md#title).\n")
    assert prose.main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1: other.md#title: this file or heading does not exist\n"


def test_command_succeeds_without_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("Run it again.\n")
    assert prose.main([str(page)]) == 0
    assert capsys.readouterr().out == ""


CODE = '''"""The file says it."""

import re

LIMIT = 3
"""It stands below the value."""


class Job:
    """A job.

    It restarts by itself.
    """

    def problem(self, name: str) -> str:
        # Nobody reads it.
        return f"{name} is no job of this stack" if name else "says"


NAMES = ["told", "in_clear"]
PATTERN = re.compile(r"nobody|whoever")
'''


def test_code_is_checked_in_docstrings_comments_and_texts() -> None:
    findings = sorted((finding.line, finding.phrase) for finding in prose.code_findings(CODE))
    assert findings == [(1, "says"), (6, "stands"), (12, "by itself"), (16, "Nobody"), (17, "is no")]


def test_texts_of_code_are_optional() -> None:
    findings = sorted((finding.line, finding.phrase) for finding in prose.code_findings(CODE, texts=False))
    assert findings == [(1, "says"), (6, "stands"), (12, "by itself"), (16, "Nobody")]


@pytest.mark.parametrize(
    "code",
    ['NAME = "told"', 'WORDS = ("lies", "grave")', 'TEXT = "Use `beside` as a name."', "says = 1\nis_told = says"],
)
def test_names_in_code_are_not_found(code: str) -> None:
    assert list(prose.code_findings(code)) == []


def test_command_checks_a_python_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""Checks the spec.\n\nRun it anew.\n"""\n')
    assert prose.main([str(module)]) == 1
    assert capsys.readouterr().out == f'{module}:3: "anew": write again (docs/style.md)\n'


def test_all_folders_are_checked() -> None:
    names = [file.relative_to(prose.ROOT).as_posix() for file in prose.sources()]
    for folder in (
        "dev/",
        "flink_k8s/components/",
        "flink_k8s/operations/",
        "jobs/",
        "policy/",
        "sandbox/",
        "tests/e2e/",
    ):
        assert any(name.startswith(folder) for name in names)


def test_generated_pages_are_not_checked() -> None:
    names = [page.relative_to(prose.ROOT).as_posix() for page in prose.pages()]
    assert "README.md" in names
    assert "docs/runbooks/FlinkJobFailed.md" in names
    assert "docs/configuration.md" not in names


def test_project_has_no_findings() -> None:
    assert prose.main([]) == 0
