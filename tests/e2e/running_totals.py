"""The streaming example on the sandbox, as the tests of state see it: brought up by `make`, asked over REST, read."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.resolve.state_storage import MOUNT
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.totals import Audit, audit
from tests.project import PAIR, layered, make, pod_names
from tests.waiting import until

JOB = "running-totals"
NAMESPACE = "flink"
OPERATOR = ("-n", "flink-operator", "-l", "app.kubernetes.io/name=flink-kubernetes-operator")
RATE = 100
SAVEPOINT_OR_NONE = {"kubernetes.operator.job.upgrade.last-state-fallback.enabled": "false"}
"""An upgrade waits until a savepoint can be taken; else it takes the last checkpoint while the operator sees no job."""


def in_job_manager(kubectl: Kubectl, job: str = JOB, namespace: str = NAMESPACE) -> list[str]:
    """The lines of all files that a job's sink has published on the state's volume, as its JobManager sees them.

    The oldest file comes first.
    """
    files = f"find {MOUNT}/{job} -type f -name '{job}-*' -printf '%T@ %p\\n'"
    command = f"{files} | sort -n | cut -d ' ' -f 2 | xargs -r cat"
    result = kubectl.try_run("exec", "-n", namespace, f"deployment/{job}", "--", "sh", "-c", command)
    return result.stdout.decode().splitlines()


def until_finished(kubectl: Kubectl, name: str) -> None:
    """Waits for the end of a batch job: `up` ends as soon as it runs."""

    def is_finished() -> bool:
        output = kubectl.get("flinkdeployment", name, "-n", NAMESPACE) or {}
        state = output["status"]["jobStatus"]["state"]
        assert state != "FAILED", output["status"]
        return state == "FINISHED"

    until(f"{name} has finished", is_finished)


@dataclass
class RunningTotals:
    """The job in the stack `sandbox`.

    Attributes:
        kubectl: of the sandbox.
        folder: for files of config.
        read: gives the lines of the output.
        config: keys of the stack in addition to `jobs`.
        settings: of the job.
        name: of the job, where it is another's than the file's.
        others: settings of other jobs.
        pair: the operator's version, with the Flink that goes with it.
        namespace: of the job.
    """

    kubectl: Kubectl
    folder: Path
    read: Callable[[], Iterable[str]]
    config: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    name: str = JOB
    others: dict[str, object] = field(default_factory=lambda: {"word-count": {"enabled": False}})
    pair: str = PAIR
    namespace: str = NAMESPACE

    def layer(self, **settings: object) -> str:
        """The option of `make` for the stack with further settings of the job, which stay."""
        self.settings = merge_mappings(self.settings, settings)
        jobs = {self.name: self.settings, **self.others}
        return f"LAYER={layered(self.folder, self.pair, jobs=jobs, **self.config)}"

    def up(self, **settings: object) -> subprocess.CompletedProcess[str]:
        """`make up` with further settings of the job, which stay."""
        start = time.monotonic()
        result = make("up", "STACK=sandbox", self.layer(**settings), timeout=400)
        print(f"up with {settings}: {time.monotonic() - start:.1f} s")
        assert result.returncode == 0, result.stderr
        return result

    def status(self) -> dict[str, Any]:
        """The resource's status."""
        output = self.kubectl.get("flinkdeployment", self.name, "-n", self.namespace) or {}
        return cast(dict[str, Any], output.get("status") or {})

    def ask(self, path: str) -> Any:
        """What the job's REST interface answers; None when it does not."""
        service = f"/api/v1/namespaces/{self.namespace}/services/{self.name}-rest:rest/proxy"
        try:
            return json.loads(self.kubectl.run("get", "--raw", f"{service}{path}", "--request-timeout=10s"))
        except (CommandError, ValueError):
            return None

    def job(self) -> dict[str, Any] | None:
        """The one job that runs, all tasks of it, as REST shows it; None when it does not run."""
        overview = (self.ask("/jobs/overview") or {}).get("jobs", [])
        running = [job for job in overview if job["state"] == "RUNNING"]
        if len(running) != 1:
            return None
        actual = self.ask(f"/jobs/{running[0]['jid']}")
        if not actual or any(vertex["status"] != "RUNNING" for vertex in actual["vertices"]):
            return None
        return cast(dict[str, Any], actual)

    def restored(self) -> dict[str, Any]:
        """Where the running job was restored from, as REST shows it; empty when it started from nothing."""
        job = until("the job runs", self.job)
        actual = until("REST shows checkpoints", lambda: self.ask(f"/jobs/{job['jid']}/checkpoints"))
        return cast(dict[str, Any], actual["latest"]["restored"] or {})

    def seen_running(self) -> None:
        """Wait until the operator has observed that the job runs: before, it takes no savepoint.

        A new JobManager starts the job again. Until the operator has observed that start, its
        status can be outdated, and its next observation can still find no JobManager.
        """

        def is_seen() -> bool:
            status, job = self.status(), self.job()
            return (
                job is not None
                and status["jobManagerDeploymentStatus"] == "READY"
                and status["jobStatus"]["state"] == "RUNNING"
                and status["jobStatus"]["startTime"] == str(job["start-time"])
            )

        until("the operator sees the job run", is_seen, state=lambda: (self.status(), self.job()))

    def pods(self, component: str) -> list[str]:
        """The names of the job's pods that are not about to go."""
        return pod_names(self.kubectl, self.namespace, f"app={self.name},component={component}")

    def kill(self, component: str) -> str:
        """Kills the one pod of a component, without notice; its name."""
        [name] = until(f"one {component}", lambda: names if len(names := self.pods(component)) == 1 else None)
        self.kubectl.run("delete", "pod", name, "-n", self.namespace, "--grace-period=0", "--force")
        return name

    def audit(self) -> Audit:
        """The output as it is now."""
        return audit(self.read())

    def exact(self, *, beyond: int = 0) -> Audit:
        """The output when it is exact and goes so far; a reader may see the files of a moment half, so it looks again.

        Raises:
            AssertionError: if it is never both; with its state.
        """
        items = [self.audit()]

        def look() -> Audit | None:
            items.append(self.audit())
            return items[-1] if items[-1].is_exact and items[-1].highest > beyond else None

        try:
            return until(f"an exact output beyond {beyond}", look, seconds=120)
        except AssertionError as error:
            raise AssertionError(f"{error}; the output: {items[-1]}") from None

    def goes_on(self) -> Audit:
        """The output when it is exact and some seconds further than now: what was is kept, and what is new fits it.

        The operator, too, knows then that the job runs, so that what a test does next finds it so.
        """
        exact = self.exact(beyond=self.audit().highest + 2 * RATE)
        self.seen_running()
        return exact
