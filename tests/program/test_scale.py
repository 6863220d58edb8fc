"""Many jobs: what they share, and that one of them which fails ends the run while others are still on their way."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import pulumi
import pytest
from pulumi.runtime import resource
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS
from typing_extensions import override

from components import dependencies as order
from dev.golden import golden
from flink_k8s.config import stack_file
from flink_k8s.health.readiness import Readiness
from flink_k8s.program.monitor import Monitor
from flink_k8s.program.recording import Resource
from flink_k8s.program.run import run_program
from flink_k8s.resolve.jobs import Job

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {
    "context": "x",
    "certManager": {"enabled": False},
    "prometheus": {"enabled": False},
    "operator": {"webhook": False},  # nobody would answer
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
    for name in ("flink_k8s", "components", "__main__.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for number in range(30):
        (jobs / f"job-{number}.yaml").write_text(MANIFEST % number)
    return tmp_path


def test_jobs_come_after_all_that_each_of_them_needs(project: Path):
    seen = run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    jobs = seen.find_all("FlinkDeployment")
    assert len(jobs) == 30
    needed = {thing.urn for thing in seen.things if thing not in jobs and thing.kind in ("Release", "RoleBinding")}
    assert len(needed) == 2
    assert all(needed < job.dependencies for job in jobs)
    assert len({job.dependencies for job in jobs}) == 1


def test_open_outputs_are_not_looked_at_for_each_registration(project: Path, monkeypatch: pytest.MonkeyPatch):
    """The SDK waits for outputs only when all is registered; it would look at 180 of them, again and again, before."""
    open_outputs: list[int] = []
    wait = asyncio.wait

    def counted(tasks: list[asyncio.Task[object]], **options: object):
        open_outputs.append(sum(not task.done() for task in tasks))
        return wait(tasks, **options)

    monkeypatch.setattr("pulumi.runtime.stack.asyncio.wait", counted)
    run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    assert sum(open_outputs) < 30
    assert not SETTINGS.outputs


class Counted(Monitor):
    """Keeps how many jobs were messages, and not yet registered, at once."""

    serialized: ClassVar[int] = 0
    most: ClassVar[int] = 0

    @override
    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        answer = super().RegisterResource(request)
        Counted.serialized -= request.type.endswith(":FlinkDeployment")
        return answer


def test_few_jobs_are_messages_at_once(project: Path, monkeypatch: pytest.MonkeyPatch):
    """A thousand, all at once, took 60 MB: docs/adr/0007."""
    serialize = resource.prepare_resource

    async def counted(res: pulumi.Resource, ty: str, *rest: Any) -> Any:
        prepared = await serialize(res, ty, *rest)
        Counted.serialized += ty.endswith(":FlinkDeployment")
        Counted.most = max(Counted.most, Counted.serialized)
        return prepared

    monkeypatch.setattr(resource, "prepare_resource", counted)
    monkeypatch.setattr("flink_k8s.program.run.Monitor", Counted)
    for at_once, expected in ((4, 4), (1_000, 30)):
        monkeypatch.setattr(order, "AT_ONCE", at_once)
        Counted.serialized = Counted.most = 0
        seen = run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
        assert len(seen.find_all("FlinkDeployment")) == 30
        assert Counted.most == expected


@pytest.mark.parametrize("stack", stack_file.stacks(ROOT))
def test_one_at_a_time_comes_to_the_same(recording, stack: str, monkeypatch: pytest.MonkeyPatch):
    """Nothing waits for the turn of what waits for it."""
    monkeypatch.setattr(order, "AT_ONCE", 1)
    one_by_one = run_program(ROOT, stack, stack_file.read(ROOT, stack), preview=True)
    assert golden(one_by_one) == golden(recording(stack))


def test_one_that_is_refused_does_not_keep_the_others_waiting(project: Path, monkeypatch: pytest.MonkeyPatch):
    class Effects:
        def apply(self, resource: Resource) -> dict[str, object]:
            if resource.name.endswith("/job-0"):
                raise pulumi.RunError("flink/job-0 is refused")
            return {}

    monkeypatch.setattr(order, "AT_ONCE", 1)
    with pytest.raises(pulumi.RunError, match="flink/job-0 is refused"):
        run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=False, effects=Effects())


def test_a_job_that_fails_ends_the_run_while_another_is_still_being_applied(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    noticed = threading.Event()
    released: list[bool] = []

    async def wait(self: Readiness, job: Job, resource: pulumi.Resource) -> str:
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


def test_the_outputs_come_when_all_jobs_are_ready(project: Path, monkeypatch: pytest.MonkeyPatch):
    waited: list[str] = []

    async def wait(self: Readiness, job: Job, resource: pulumi.Resource) -> str:
        await asyncio.sleep(0)
        waited.append(job.name)
        return "STABLE"

    monkeypatch.setattr(Readiness, "wait", wait)
    seen = run_program(project, "dev", CONFIG, preview=False)
    assert len(waited) == 30
    assert len(seen.exports["jobs"]) == 30


def test_the_collector_is_left_as_it_was(project: Path):
    before = gc.get_threshold()
    run_program(project, "dev", {**CONFIG, "waitForJobs": False}, preview=True)
    assert gc.get_threshold() == before
