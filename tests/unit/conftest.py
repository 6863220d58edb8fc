"""What every unit test gets."""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Whoever runs the tests may have stacks of his own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLINK_K8S_STATE", str(tmp_path_factory.mktemp("state")))
        yield
