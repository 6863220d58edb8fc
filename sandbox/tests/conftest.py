"""Shared by the tests of images and charts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.home import Home


@pytest.fixture
def where(tmp_path: Path) -> Home:
    """A home of the test's own."""
    return Home(tmp_path / "home")


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[Path, tuple[int, int]]:
    """Who was given which path: only root can really give files away."""
    settings: dict[Path, tuple[int, int]] = {}

    def chown(path: Path, user: int, group: int, *, follow_symlinks: bool = True) -> None:
        settings[Path(path)] = (user, group)

    monkeypatch.setattr(os, "chown", chown)
    return settings
