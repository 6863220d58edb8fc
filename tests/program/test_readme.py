"""README and documentation agree with the program and the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flink_k8s.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CURRENT_PAGES = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""Without the changelog, which names targets of earlier versions."""


def targets() -> set[str]:
    """The Makefile's targets."""
    named = set(re.findall(r"^([a-z][a-z0-9-]*)(?: [a-z]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    return named | {"install"}  # shares the rule of `ns`


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_concepts_page_shows_the_graph_that_the_program_registers() -> None:
    assert main(["graph", "dev", "--check", str(ROOT / "docs" / "concepts.md")]) == 0


def test_readme_fits_two_screens() -> None:
    assert len(README.read_text().splitlines()) <= 120


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_target_on_a_page_exists(page: Path) -> None:
    assert set(re.findall(r"`make ([a-z][a-z0-9-]*)", page.read_text())) <= targets()


def test_commands_page_lists_each_target() -> None:
    assert targets() - set(re.findall(r"`make ([a-z][a-z0-9-]*)", COMMANDS.read_text())) <= {"help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_on_a_page_has_a_target(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    broken: list[str] = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []
