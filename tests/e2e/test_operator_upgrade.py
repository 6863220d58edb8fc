"""The operator upgraded under a job that keeps state: its CRDs go first, the job goes on, nothing is lost or doubled.

With `pulumi` on PATH the same is proven of the real engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from components.definitions import MARK
from settings.state_storage import HEALTH_CHECK
from tests.e2e.conftest import PAIRS, ROOT, layered, make
from tests.e2e.test_demo import remove_definitions
from tests.e2e.totals import Audit, audit
from tools.kubectl import Kubectl

JOB = "running-totals"
RATE = 100
OUTPUT = f"/flink-state/{JOB}"


class Platform:
    """The stack with the streaming job, on a Flink that both operators know."""

    def __init__(self, kubectl: Kubectl, folder: Path) -> None:
        self.kubectl = kubectl
        self.folder = folder

    def up(self, operator: str, **configuration: str) -> str:
        """Brings it up with that operator and more of Flink's configuration; what was printed."""
        job = {
            "enabled": True,
            "image": "pyflink:dev-1.19",
            "flinkVersion": "v1_19",
            "parameters": {"rate": RATE},
            "flinkConfiguration": {"execution.checkpointing.interval": "1 s", **configuration},
        }
        jobs = {JOB: job, "word-count": {"enabled": False}}
        option = f"LAYER={layered(self.folder, operator, jobs=jobs)}"
        done = make("up", "STACK=sandbox", option, timeout=500)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def job(self) -> dict[str, Any]:
        """The resource as it is."""
        return self.kubectl.get("flinkdeployment", JOB, "-n", "flink") or {}

    def audit(self) -> Audit:
        """The output, read where a pod of the job sees it."""
        manager = ("exec", "-n", "flink", f"deployment/{JOB}", "--")
        script = f"find {OUTPUT} -type f -name '{JOB}-*' -exec cat {{}} +"
        return audit(self.kubectl.run(*manager, "sh", "-c", script).decode().splitlines())

    def goes_on(self) -> Audit:
        """The output when it is exact and some seconds further than now."""
        beyond = self.audit().highest + 2 * RATE
        deadline = time.monotonic() + 120
        while not ((seen := self.audit()).is_exact and seen.highest > beyond):
            assert time.monotonic() < deadline, f"not exact beyond {beyond}: {seen}"
            time.sleep(1)
        return seen

    def marks(self) -> dict[str, str]:
        """Flink's CRDs with the operator version that each belongs to."""
        found = json.loads(self.kubectl.run("get", "crd", "-o", "json"))["items"]
        flinks = [crd["metadata"] for crd in found if crd["spec"]["group"] == "flink.apache.org"]
        return {one["name"].partition(".")[0]: one.get("annotations", {}).get(MARK, "") for one in flinks}


@pytest.fixture(scope="module")
def platform(
    kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Generator[Platform]:
    """Nothing is up yet, and no CRD of Flink's is there; nor is anything of it afterwards."""
    if request.config.getoption("--pair"):
        pytest.skip("one pair was asked for, and this needs both")
    remove_definitions(kubectl)
    for version in PAIRS:  # both operators' images, and those of the jobs with the job's script in them
        subprocess.run([sys.executable, "-m", "sandbox", "up", "--operator", version], cwd=ROOT, check=True)
    yield Platform(kubectl, tmp_path_factory.mktemp("upgrade"))
    make("destroy", "STACK=sandbox", timeout=400)
    remove_definitions(kubectl)


class TestOperatorUpgrade:
    """In this order; the numbers go on from each test to the next."""

    def test_the_job_runs_under_the_older_operator(self, platform: Platform):
        platform.up("1.7.0")
        assert platform.marks() == {"flinkdeployments": "1.7.0", "flinksessionjobs": "1.7.0"}
        assert platform.goes_on().highest > RATE

    def test_the_newer_operator_takes_it_over_with_its_own_crds(self, platform: Platform):
        before = platform.job()
        said = platform.up("1.16.1")
        assert "CRDs of operator 1.16.1:" in said
        assert set(platform.marks().values()) == {"1.16.1"}
        assert set(platform.marks()) == {
            "flinkbluegreendeployments", "flinkdeployments", "flinksessionjobs", "flinkstatesnapshots",
        }  # fmt: skip
        after = platform.job()
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        # Written by the newer operator alone, and pruned by the older CRDs.
        assert after["status"]["observedGeneration"] == after["metadata"]["generation"]
        print(f"job id before {before['status']['jobStatus']['jobId']}, after {after['status']['jobStatus']['jobId']}")
        print(platform.goes_on())

    def test_the_older_operator_again_leaves_the_crds_and_the_job_goes_on(self, platform: Platform):
        # The older operator cannot read the newer one's record of the job's health: docs/upgrade.md.
        platform.up("1.16.1", **{HEALTH_CHECK: "false"})
        said = platform.up("1.7.0")
        assert "CRD flinkdeployments.flink.apache.org stays as it is" in said
        assert set(platform.marks().values()) == {"1.16.1"}
        print(platform.goes_on())
