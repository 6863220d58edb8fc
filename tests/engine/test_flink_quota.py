"""A quota of Flink resources with the first `up`, which also creates their kinds, with plain `pulumi` and Kubernetes'
controller of quotas on a bare API server.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.engine.plain import Plain
from tests.engine.stand_in import stand_in_charts

pytestmark = pytest.mark.full

COUNTED_ANEW = 300
"""Seconds after which the controller counts a quota again that it created without knowing the kind."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plain]:
    with Plain.started(tmp_path_factory.mktemp("quota"), ["resourcequota-controller"]) as project:
        yield project


def test_the_first_up_waits_until_kubernetes_knows_the_kinds(plain: Plain, tmp_path: Path):
    plain.kubectl.run("delete", "crd", "--all")  # those of the server: the release creates its own
    plain.configure(
        namespaces={"team-a": {"quota": {"deployments": 2}}},
        operator={"webhook": False},
        charts={"mirror": str(stand_in_charts(tmp_path))},
    )
    start = time.monotonic()
    done = plain.pulumi("up", "--skip-preview")
    seconds = time.monotonic() - start
    assert done.code == 0, done.output
    quota = plain.kubectl.get("resourcequota", "flink-quota", "-n", "team-a") or {}
    assert quota["status"]["used"] == {"count/flinkdeployments.flink.apache.org": "0"}
    assert seconds < COUNTED_ANEW / 2
    print(f"up: {seconds:.0f} s")
