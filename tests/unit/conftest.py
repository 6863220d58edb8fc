"""What every unit test gets."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.project import Project

# A busy machine is not a defect. The same examples in every run, so that a run fails for a change and not by chance:
# FLINK_K8S_FUZZ=1 (or more, for more examples) searches with new ones.
settings.register_profile("steady", deadline=None, database=None, derandomize="FLINK_K8S_FUZZ" not in os.environ)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """The developer's own stacks are kept out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLINK_K8S_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
