"""What every unit test gets."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.project import Project

# A machine that is busy with other things is not a defect.
settings.register_profile("patient", deadline=None, database=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """The developer's own stacks are kept out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLINK_K8S_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
