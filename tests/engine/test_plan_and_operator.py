"""The operator does what was planned: each effect on real jobs, according to Flink's record of its start.

Three jobs in parallel, each with a change of another effect.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from flink_k8s.resolve.state_storage import MOUNT
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import NAMESPACE, RunningTotals
from tests.engine.test_plan import effects
from tests.project import ROOT, Project
from tests.waiting import until

pytestmark = pytest.mark.full

SAVEPOINT, LAST_STATE, BATCH = "by-savepoint", "by-last-state", "word-count"

CPU = 0.1
"""What each process of the three asks for, that they find room together; it may use what is idle."""

FASTER = {
    "execution.checkpointing.interval": "2 s",
    "jobmanager.scheduler": "adaptive",
    "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling": "1 s",
}


class Stack:
    """The stack, whose three jobs are changed in their files."""

    def __init__(self, engine: Project, kubectl: Kubectl) -> None:
        totals = yaml.safe_load((ROOT / "jobs" / "running_totals.yaml").read_text())
        self.words = list(yaml.safe_load_all((ROOT / "jobs" / "word_count.yaml").read_text()))
        self.jobs = {mode: _totals(totals, mode) for mode in (SAVEPOINT, LAST_STATE)}
        self.jobs[BATCH] = next(document for document in self.words if document["kind"] == "FlinkDeployment")
        for job in self.jobs.values():
            job["spec"]["jobManager"]["resource"]["cpu"] = job["spec"]["taskManager"]["resource"]["cpu"] = CPU
            for process in ("jobmanager", "taskmanager"):
                job["spec"]["flinkConfiguration"][f"kubernetes.{process}.cpu.limit-factor"] = "20"
        self.engine = engine.copy(self._files())
        self.flink = {name: RunningTotals(kubectl, engine.folder, list, name=name) for name in (SAVEPOINT, LAST_STATE)}

    def _files(self) -> dict[str, str]:
        totals = [job for name, job in self.jobs.items() if name != BATCH]
        return {"totals.yaml": yaml.safe_dump_all(totals), "word_count.yaml": yaml.safe_dump_all(self.words)}

    def plan(self, *, code: int = 0) -> dict[str, str]:
        """Each job that changes and its effect."""
        self.engine.write_jobs(self._files())
        result = self.engine.plan()
        assert result.code == code
        return {job.removeprefix(f"{NAMESPACE}/"): effect for job, effect in effects(result).items()}

    def up(self) -> None:
        self.engine.write_jobs(self._files())
        result = self.engine.make("up")
        assert result.code == 0, result.output

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        self.jobs[name]["spec"]["flinkConfiguration"].update(settings)

    def running(self, name: str) -> dict[str, Any]:
        """The Flink job, once all of its tasks run."""
        return until(f"{name} runs", self.flink[name].job)


def _totals(example: Mapping[str, Any], name: str) -> dict[str, Any]:
    job = copy.deepcopy(dict(example))
    job["metadata"] = {"name": name}
    job["spec"]["flinkConfiguration"].update(FASTER)
    job["spec"]["job"]["upgradeMode"] = name.removeprefix("by-")
    arguments = job["spec"]["job"]["args"]
    arguments[arguments.index("--output") + 1] = f"{MOUNT}/{name}"
    return job


@pytest.fixture(scope="module")
def stack(no_stack: None, engine: Project, kubectl: Kubectl) -> Stack:
    """The stack with its three jobs."""
    output = Stack(engine, kubectl)
    output.up()
    return output


def finished(kubectl: Kubectl) -> str:
    """The id of the batch job that has run."""
    status = (kubectl.get("flinkdeployment", BATCH, "-n", NAMESPACE) or {})["status"]["jobStatus"]
    assert status["state"] in ("RUNNING", "FINISHED")
    return status["jobId"]


def test_the_operator_rescales_keeps_and_restarts_jobs_as_planned(stack: Stack, kubectl: Kubectl) -> None:
    before = {name: stack.running(name) for name in stack.flink}
    pods = {name: flink.pods("jobmanager") for name, flink in stack.flink.items()}
    batch = finished(kubectl)
    vertices = {vertex["id"]: 2 for vertex in before[SAVEPOINT]["vertices"]}
    overrides = ",".join(f"{vertex}:{parallelism}" for vertex, parallelism in vertices.items())
    stack.configure(SAVEPOINT, {"pipeline.jobvertex-parallelism-overrides": overrides})
    stack.jobs[LAST_STATE]["metadata"]["annotations"] = {"example.org/owner": "orders"}
    stack.jobs[BATCH]["spec"]["job"]["parallelism"] = 2
    assert stack.plan() == {
        SAVEPOINT: "rescale in place",
        LAST_STATE: "metadata only",
        BATCH: "restart from empty",
    }
    stack.up()

    def rescaled() -> bool:
        job = stack.running(SAVEPOINT)
        return {vertex["id"]: vertex["parallelism"] for vertex in job["vertices"]} == vertices

    until("the job has its new parallelism", rescaled)
    for name, flink in stack.flink.items():
        assert stack.running(name)["jid"] == before[name]["jid"]
        assert flink.pods("jobmanager") == pods[name]
    assert finished(kubectl) != batch
    owned = kubectl.get("flinkdeployment", LAST_STATE, "-n", NAMESPACE) or {}
    assert owned["metadata"]["annotations"]["example.org/owner"] == "orders"
