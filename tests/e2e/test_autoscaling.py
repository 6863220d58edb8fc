"""The autoscaler of operator 1.7.0 follows a load that rises and falls, and no order is lost or doubled.

The windows are shorter than those of the profile. `python -m dev.bench.scaling` runs with the profile as it is, and
draws the plot in docs/performance.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.bench.scaling import run
from flink_k8s.support.kubectl import Kubectl

pytestmark = pytest.mark.full

LOAD = ((0, 60), (60, 60), (90, 400), (360, 400), (390, 60), (720, 60))
QUICK = {
    "job.autoscaler.metrics.window": "1 min",
    "job.autoscaler.stabilization.interval": "10 s",
    "job.autoscaler.scale-up.grace-period": "1 min",
}


def test_the_parallelism_follows_the_load(no_stack: None, kubectl: Kubectl, tmp_path: Path) -> None:
    result = run(kubectl, tmp_path, LOAD, QUICK)
    print(result.steps, *result.decisions, sep="\n")
    parallelism = [value for _, value in result.steps]
    assert parallelism[0] == 1
    assert max(parallelism) >= 3
    assert parallelism[-1] < max(parallelism)
    assert result.decisions
