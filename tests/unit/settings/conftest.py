"""Shared by the tests of settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.settings.project import Project

# A machine that is busy with other things is not a defect.
settings.register_profile("patient", deadline=None, database=None)
settings.load_profile("patient")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
