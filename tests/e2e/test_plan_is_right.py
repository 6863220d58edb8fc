"""The plan predicts what Flink does: the most damaging changes of the streaming job, one after the other.

Before each change, `plan` predicts whether the job keeps its state. After it, the output shows what has happened: a job
that has started empty writes number 1 again, a job that has gone back continues with an earlier number, and a job that
continues writes the next numbers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from flink_k8s.health.failure_reason import root
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.state_storage import CLAIM, MOUNT
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import JOB, NAMESPACE, RATE, SAVEPOINT_OR_NONE, RunningTotals, in_job_manager
from tests.project import make, run
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

CONTINUES, GOES_BACK, STARTS_EMPTY, DROPS_STATE = "continues", "goes back", "starts empty", "drops state of an operator"
DOES_NOT_START, IS_SUSPENDED, IS_DELETED = "does not start", "is suspended", "is deleted"
KEPT = (CONTINUES, IS_SUSPENDED)

CHECKPOINTS, SAVEPOINTS = "execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"
MOVED, IN_POD, OTHER_OUTPUT = f"{MOUNT}/moved", "file:///tmp/in-pod", f"{MOUNT}/{JOB}/other"


@dataclass(frozen=True)
class Change:
    """A change of the job.

    Attributes:
        name: of the change.
        settings: of the job; None removes a setting.
        effect: in the plan.
        outcome: what Flink does.
        source: part of the path that the job restores.
    """

    name: str
    settings: Mapping[str, Any]
    effect: str
    outcome: str
    source: str = ""


def configured(**options: str | None) -> dict[str, Any]:
    return {"flinkConfiguration": options}


def again(number: int) -> dict[str, Any]:
    """A change that restarts the job and affects nothing else."""
    return {"env": {"ROUND": str(number)}}


CHANGES = (
    Change(
        "savepoints move to another directory of the claim",
        configured(**{SAVEPOINTS: f"file://{MOVED}"}),
        "restart from savepoint",
        CONTINUES,
        MOVED,
    ),
    Change(
        "a sink is replaced, and its state may be dropped",
        {
            "parameters": {"sink": "other", "output": OTHER_OUTPUT},
            "spec": {"job": {"allowNonRestoredState": True}},
        },
        "STATE LOSS: restart from savepoint",
        DROPS_STATE,
        MOVED,
    ),
    Change(
        "checkpoints move into the pods",
        {"upgradeMode": "last-state", **configured(**{CHECKPOINTS: IN_POD})},
        "restart from last state",
        CONTINUES,
        "/chk-",
    ),
    Change(
        "a restart by last state with checkpoints inside of the pods",
        again(2),
        "STATE LOSS: restart from last state",
        DOES_NOT_START,
    ),
    Change(
        "an older savepoint is restored",
        {**configured(**{CHECKPOINTS: None}), "restoreFrom": "first savepoint"},
        "STATE LOSS: restart from a given path",
        GOES_BACK,
        MOVED,
    ),
    Change(
        "savepoints move into the pods",
        {"upgradeMode": "savepoint", **configured(**{SAVEPOINTS: IN_POD})},
        "STATE LOSS: restart from savepoint",
        DOES_NOT_START,
    ),
    Change(
        "the job becomes stateless",
        {"upgradeMode": "stateless", **configured(**{SAVEPOINTS: None})},
        "STATE LOSS: restart from empty",
        STARTS_EMPTY,
    ),
    Change(
        "the job keeps state again",
        {"upgradeMode": "savepoint"},
        "restart from savepoint",
        CONTINUES,
        "/savepoints/",
    ),
    Change("the job is suspended", {"state": "suspended"}, "suspend", IS_SUSPENDED),
    Change(
        "the suspended job resumes stateless",
        {"state": "running", "upgradeMode": "stateless"},
        "STATE LOSS: resume from empty",
        STARTS_EMPTY,
    ),
    Change("the job is removed without a savepoint", {"enabled": False}, "STATE LOSS: delete", IS_DELETED),
    Change("the removed job returns", {"enabled": True, "restoreFrom": None}, "new", STARTS_EMPTY),
)
"""Each leaves the job in a condition that the next one starts from."""


@dataclass(frozen=True)
class Output:
    """The published output of all runs.

    Attributes:
        starts: how often the first number was written.
        returns: how often an earlier number, and not the first one, was written after a later one.
        last: number that was written.
        other: number of lines in the other folder.
    """

    starts: int = 0
    returns: int = 0
    last: int = 0
    other: int = 0


@dataclass
class Observed:
    """The job, and what is known about it.

    Attributes:
        totals: the job.
        kubectl: of the sandbox.
        output: as it was last readable; a pod of the job reads it.
        restarted: the first output that was read after a change has restarted the job: until its savepoint, the job
            has written after the change, too.
    """

    totals: RunningTotals
    kubectl: Kubectl
    output: Output = field(default_factory=Output)
    restarted: Output | None = None

    def read(self) -> Output:
        lines = in_job_manager(self.kubectl)
        if lines:
            numbers = [int(line.split("\t")[1]) for line in lines]
            command = f"cat {OTHER_OUTPUT}/{JOB}-* 2>/dev/null | wc -l"
            found = self.kubectl.try_run("exec", "-n", NAMESPACE, f"deployment/{JOB}", "--", "sh", "-c", command)
            self.output = Output(
                starts=numbers.count(1),
                returns=sum(1 < later <= earlier for earlier, later in pairwise(numbers)),
                last=numbers[-1],
                other=int(found.stdout.decode().strip() or 0),
            )
        return self.output

    def outcome(self, before: Output, earlier_pods: Sequence[str]) -> str:
        """What has happened since a change; empty as long as that is not certain.

        Args:
            before: the output before the change.
            earlier_pods: the JobManagers before the change.
        """
        if set(earlier_pods) & set(self.totals.pods("jobmanager")):
            return ""
        if self.failure():
            return DOES_NOT_START
        if not self.totals.job():
            return ""
        now = self.read()
        self.restarted = self.restarted or now
        if now.starts > before.starts:
            return STARTS_EMPTY
        if now.returns > before.returns:
            return GOES_BACK
        if now.last <= self.restarted.last + 2 * RATE:
            return ""
        return DROPS_STATE if now.other and not before.other else CONTINUES

    def failure(self) -> str:
        """Why the job does not start; empty if it may."""
        pods = self.kubectl.get("pods", "-n", NAMESPACE, "-l", f"app={JOB},component=jobmanager") or {"items": []}
        for pod in pods["items"]:
            [container] = pod["status"].get("containerStatuses") or [{}]
            if "deletionTimestamp" not in pod["metadata"] and container.get("restartCount", 0) > 0:
                name = pod["metadata"]["name"]
                log = self.kubectl.try_run("logs", name, "-n", NAMESPACE, "--previous", "--tail=200").stdout.decode()
                return f"the JobManager restarts: {root(log)[-500:]}"
        for job in (self.totals.ask("/jobs/overview") or {}).get("jobs", []):
            exceptions = self.totals.ask(f"/jobs/{job['jid']}/exceptions") or {}
            entries = (exceptions.get("exceptionHistory") or {}).get("entries") or []
            is_restarting = len(entries) > 1 and not self.totals.job()
            if entries and (is_restarting or job["state"] == "FAILED"):
                return f"the job is {job['state']}: {root(entries[0]['stacktrace'])[-500:]}"
        return ""

    def __str__(self) -> str:
        facts = {"output": self.output, "failure": self.failure(), "job": self.totals.job()}
        return f"{facts}\nstatus: {json.dumps(self.totals.status())[:3000]}"


@pytest.fixture(scope="module")
def job(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """The job, which runs and has taken checkpoints; its output stays mounted when it is stateless."""
    totals = RunningTotals(kubectl, tmp_path_factory.mktemp("plan"), lambda: in_job_manager(kubectl))
    # A restart is observed by the test.
    totals.config = {"waitForJobs": False}
    mount = {"name": CLAIM, "mountPath": MOUNT}
    pod = {
        "securityContext": {"fsGroup": 9999, "fsGroupChangePolicy": "OnRootMismatch"},
        "containers": [{"name": MAIN_CONTAINER, "volumeMounts": [mount]}],
        "volumes": [{"name": CLAIM, "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    totals.settings = {
        "enabled": True,
        "parameters": {"rate": RATE},
        "spec": {"podTemplate": {"spec": pod}},
        "flinkConfiguration": {
            "execution.checkpointing.interval": "1 s",
            # Otherwise high availability's metadata contains the whole small state.
            "execution.checkpointing.data-inline-threshold": "0 b",
            **SAVEPOINT_OR_NONE,
        },
    }
    totals.up()
    observed = Observed(totals, kubectl)
    until("the job writes numbers", lambda: observed.read().last > RATE, 300, state=lambda: observed)
    totals.seen_running()
    return observed


def plan(option: str) -> tuple[str, str]:
    """The effect on the job in the plan, and the whole plan."""
    command = [sys.executable, "-m", "flink_k8s", "plan", "sandbox", "--overlay", option.removeprefix("LAYER=")]
    done = run(command, timeout=200)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    row = re.search(rf"^{NAMESPACE}/{JOB}  +(.+?)(?:  |$)", done.stdout, re.MULTILINE)
    effect = row[1] if row else "nothing"
    assert (done.returncode == 3) == effect.startswith("STATE LOSS"), done.stdout
    return effect, done.stdout


def apply(option: str, effect: str) -> None:
    """`make up`, with an allowance only if the plan predicts a loss: without it, `up` refuses a loss."""
    allowed = [f"ALLOW={JOB}"] if effect.startswith("STATE LOSS") else []
    done = make("up", "STACK=sandbox", option, *allowed, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def observe(job: Observed, change: Change, before: Output, earlier_pods: Sequence[str]) -> str:
    """What Flink has done."""
    if change.outcome == IS_DELETED:
        until("the job is deleted", lambda: job.kubectl.get("flinkdeployment", JOB, "-n", NAMESPACE) is None)
        until("its pods are deleted", lambda: not job.totals.pods("jobmanager") and not job.totals.pods("taskmanager"))
        return IS_DELETED
    if change.outcome == IS_SUSPENDED:
        until("SUSPENDED", lambda: job.totals.status().get("lifecycleState") == "SUSPENDED", state=lambda: job)
        return IS_SUSPENDED
    outcome = until(f"an outcome of: {change.name}", lambda: job.outcome(before, earlier_pods), 240, state=lambda: job)
    if outcome == DOES_NOT_START:
        print(job.failure())
        return outcome
    restored = job.totals.restored().get("external_path", "")
    assert change.source in restored
    assert bool(restored) == (outcome != STARTS_EMPTY)
    job.totals.seen_running()
    return outcome


def test_the_plan_predicts_what_flink_does(job: Observed) -> None:
    first_savepoint = ""
    table: list[tuple[str, str, str]] = []
    for change in CHANGES:
        with step(change.name):
            settings = dict(change.settings)
            if settings.get("restoreFrom"):
                settings["restoreFrom"] = first_savepoint
            option = job.totals.layer(**settings)
            effect, printed = plan(option)
            before, earlier_pods, job.restarted = job.read(), job.totals.pods("jobmanager"), None
            apply(option, effect)
            outcome = observe(job, change, before, earlier_pods)
            row = (change.name, effect, outcome)
            print(f"{row}: {before} -> {job.output}")
            table.append(row)
            # A wrong prediction ends the test: the next change would start from another condition.
            assert row == (change.name, change.effect, change.outcome), f"{printed}\n{job}"
            assert effect.startswith("STATE LOSS") or outcome in KEPT or effect == "new"
            if not first_savepoint:
                first_savepoint = str(job.totals.restored()["external_path"])
    print("\n".join(" | ".join(row) for row in table))
