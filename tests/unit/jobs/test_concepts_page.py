"""Files that the concepts page names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs/concepts.md").read_text().partition("## Where to find it in this repository")[2]
PATHS = sorted(
    {name for name in re.findall(r"`([^`]+)`", TABLE) if re.fullmatch(r"[\w./-]+", name)} - {"lifecycleState", "pulumi"}
)


def test_the_page_names_paths() -> None:
    assert len(PATHS) > 15


@pytest.mark.parametrize("path", PATHS)
def test_path_exists(path: str) -> None:
    assert (ROOT / path).exists()
