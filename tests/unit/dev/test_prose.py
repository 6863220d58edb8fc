"""The vocabulary check of the documentation."""

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


def test_command_succeeds_without_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("Run it again.\n")
    assert prose.main([str(page)]) == 0
    assert capsys.readouterr().out == ""


def test_generated_pages_are_not_checked() -> None:
    names = [page.relative_to(prose.ROOT).as_posix() for page in prose.pages()]
    assert "README.md" in names
    assert "docs/runbooks/FlinkJobFailed.md" in names
    assert "docs/configuration.md" not in names


def test_documentation_has_no_findings() -> None:
    assert prose.main([]) == 0
