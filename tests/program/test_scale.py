"""Many jobs: what they share, and that one of them which fails ends the run while others are still on their way."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path

import pulumi
import pytest

from flink_k8s.facts.mappings import mapping
from flink_k8s.health.readiness import Readiness
from flink_k8s.program.resource_graph import Resource
from flink_k8s.program.run import run_program
from flink_k8s.resolve.jobs import Job

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {
    "context": "x",
    "certManager": {"enabled": False},
    "prometheus": {"enabled": False},
    "operator": {"webhook": False},  # no pod would respond
}
MANIFEST = """
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: job-%d}
spec:
  image: pyflink:dev
  flinkVersion: v2_2
  serviceAccount: flink
  jobManager: {resource: {memory: 1g, cpu: 0.5}}
  taskManager: {resource: {memory: 1g, cpu: 0.5}}
  job: {jarURI: local:///a.jar, parallelism: 2, upgradeMode: stateless}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program with thirty jobs."""
    for name in ("flink_k8s", "__main__.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for number in range(30):
        (jobs / f"job-{number}.yaml").write_text(MANIFEST % number)
    return tmp_path


def test_jobs_depend_on_operator_and_account(project: Path):
    graph = run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    jobs = graph.find_all("FlinkDeployment")
    assert len(jobs) == 30
    needed = {
        resource.urn
        for resource in graph.objects
        if resource not in jobs and resource.kind in ("Release", "RoleBinding")
    }
    assert len(needed) == 2
    assert all(needed < job.dependencies for job in jobs)
    shared = frozenset.intersection(*(job.dependencies for job in jobs))
    assert all(len(job.dependencies - shared) == 1 for job in jobs), "and the policy of its own pods"


def test_each_job_is_one_component_with_all_of_its_resources(project: Path):
    graph = run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    components = [resource for resource in graph.resources if resource.kind == "FlinkJob"]
    assert len(components) == 30
    for component in components:
        assert component.parent == graph.stack
        kinds = sorted(child.kind for child in graph.children(component.urn))
        assert kinds == ["FlinkDeployment", "NetworkPolicy"]


def test_operator_is_sized_for_the_jobs_of_the_stack(project: Path):
    def java_options(expected_jobs: int) -> object:
        config = {**CONFIG, "waitForJobs": False, "operator": {"webhook": False, "expectedJobs": expected_jobs}}
        release = run_program(project, "dev", config, preview=True).find("Release")
        return mapping(release.inputs["values"]).get("jvmArgs")

    assert java_options(0) is None
    assert java_options(501) == {"operator": "-Xmx768m"}
    for number in range(30, 101):
        (project / "jobs" / f"job-{number}.yaml").write_text(MANIFEST % number)
    assert java_options(0) == {"operator": "-Xmx512m"}


def test_refused_job_does_not_delay_other_jobs(project: Path):
    class Effects:
        def apply(self, resource: Resource) -> dict[str, object]:
            if resource.name.endswith("/job-0"):
                raise pulumi.RunError("flink/job-0 is refused")
            return {}

    with pytest.raises(pulumi.RunError, match="flink/job-0 is refused"):
        run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=False, effects=Effects())


def test_a_job_that_fails_ends_the_run_while_another_is_still_being_applied(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    noticed = threading.Event()
    released: list[bool] = []

    async def wait(self: Readiness, job: Job, resource: pulumi.Resource, applied: object) -> str:
        if job.name == "job-3":
            raise pulumi.RunError("job flink/job-3 FAILED: no such script")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            noticed.set()
            raise
        return "STABLE"

    class Effects:
        def apply(self, resource: Resource) -> dict[str, object]:
            if resource.name.endswith("/job-20"):
                released.append(noticed.wait(30))
            return {}

    monkeypatch.setattr(Readiness, "wait", wait)
    begun = time.monotonic()
    with pytest.raises(pulumi.RunError, match="job flink/job-3 FAILED: no such script"):
        run_program(project, "dev", CONFIG, preview=False, effects=Effects())
    assert released == [True]
    assert time.monotonic() - begun < 20


def test_outputs_are_registered_when_all_jobs_are_ready(project: Path, monkeypatch: pytest.MonkeyPatch):
    waited: list[str] = []

    async def wait(self: Readiness, job: Job, resource: pulumi.Resource, applied: object) -> str:
        await asyncio.sleep(0)
        waited.append(job.name)
        return "STABLE"

    monkeypatch.setattr(Readiness, "wait", wait)
    graph = run_program(project, "dev", CONFIG, preview=False)
    assert len(waited) == 30
    assert len(graph.exports["jobs"]) == 30


def test_the_thresholds_of_the_garbage_collector_end_with_the_run(project: Path):
    before = gc.get_threshold()
    run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    assert gc.get_threshold() == before
