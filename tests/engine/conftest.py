"""Charts without pods for the tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.stand_in import stand_in_charts


@pytest.fixture(scope="session")
def charts(sandbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart mirror whose operators have no pods: an `up` waits for a job until a test sets the job's status."""
    return stand_in_charts(tmp_path_factory.mktemp("charts"))
