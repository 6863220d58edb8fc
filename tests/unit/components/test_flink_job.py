"""How jobs go: each kind in the way that lets its operator do what it has to."""

from __future__ import annotations

import pytest

from components.flink_job import deletion
from components.readiness import PLURALS


@pytest.mark.parametrize("kind", PLURALS)
def test_a_blue_green_deployment_alone_waits_for_what_it_made(kind: str):
    wanted = "foreground" if kind == "FlinkBlueGreenDeployment" else "background"
    assert deletion(kind) == {"pulumi.com/deletionPropagationPolicy": wanted}
