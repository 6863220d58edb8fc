"""The check of relative links in Markdown pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.links import broken_links

OTHER = """# Title of `code`

## Same heading

## Same heading

```text
# not a heading
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text(OTHER)
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "link",
    [
        "docs",
        "docs/other.md",
        "docs/other.md#title-of-code",
        "docs/other.md#same-heading",
        "docs/other.md#same-heading-1",
        "#title",
        "https://example.org/missing.md",
        "mailto:a@example.org",
    ],
)
def test_link_with_a_target_is_accepted(page: Path, link: str) -> None:
    page.write_text(f"# Title\n\nSee [it]({link}).\n")
    assert list(broken_links(page)) == []


@pytest.mark.parametrize(
    "link",
    ["missing.md", "docs/missing.md#title", "docs/other.md#same-heading-2", "docs/other.md#not-a-heading"],
)
def test_link_without_a_target_is_found(page: Path, link: str) -> None:
    page.write_text(f"# Title\n\nSee [it]({link}).\n")
    assert list(broken_links(page)) == [(3, link)]


@pytest.mark.parametrize("text", ["`[it](missing.md)`", "```text\n[it](missing.md)\n```"])
def test_link_in_code_is_not_checked(page: Path, text: str) -> None:
    page.write_text(f"# Title\n\n{text}\n")
    assert list(broken_links(page)) == []
