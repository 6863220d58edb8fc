"""`python -m dev.bench.gaps`: measure the gap in the output of a job for each kind of change and failure.

Requires the sandbox. The job `running-totals` writes 100 records per second, exactly once, and publishes a file with
each checkpoint, each second. The gap is the longest time between two published files, from the last one before the
event until the job has run without a restart for 20 s. Three variants run the same job:

- `plain`: a FlinkDeployment with state on a volume, as in the operator's examples, changed by `kubectl apply`
- `default`: a job of this project
- `fast`: a job of this project with `recovery: fast`
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from dev.bench.empty_sandbox import empty_sandbox
from dev.bench.measure import machine
from dev.bench.report import PAGE, replaced
from flink_k8s.resolve.state_storage import CLAIM, MOUNT
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT
from tests.e2e import other_kinds
from tests.e2e.other_kinds import BLUE_GREEN
from tests.e2e.reader import in_reader, reader
from tests.e2e.running_totals import JOB, NAMESPACE, OPERATOR, RATE, SAVEPOINT_OR_NONE, RunningTotals
from tests.e2e.totals import Audit, audit
from tests.project import Project, destroy, make
from tests.waiting import until

DATA = "gaps.json"
PLAIN = "plain-totals"
_BEGIN, _END = "<!-- gaps: written by python -m dev.bench.gaps -->", "<!-- end of gaps -->"
VARIANTS = {"plain": "plain FlinkDeployment", "default": "this project", "fast": "with `recovery: fast`"}
_SETTLED = 20
"""Seconds without a restart after which an event is over."""

_CPU = 0.2
_OPTIONS: Mapping[str, str] = {
    "execution.checkpointing.interval": "1 s",
    # The spare processes of `recovery: fast` fit on two CPUs, and each process may use both.
    "kubernetes.jobmanager.cpu.limit-factor": "10",
    "kubernetes.taskmanager.cpu.limit-factor": "10",
}

_OPERATOR: Mapping[str, object] = {
    "configuration": {
        "kubernetes.operator.reconcile.interval": None,
        "kubernetes.operator.observer.progress-check.interval": None,
        "kubernetes.operator.observer.rest-ready.delay": None,
    }
}
"""Without the short intervals of the sandbox's stack."""


@dataclass(frozen=True)
class Gap:
    """A measured event.

    Attributes:
        event: what happened.
        variant: of the job.
        seconds: without new output.
        lost: records that are missing in the output.
        doubled: records that are more than once in the output.
    """

    event: str
    variant: str
    seconds: float
    lost: int
    doubled: int


def longest(times: Sequence[float], begun: float) -> float:
    """The longest time between two files, from the last one before an event.

    Args:
        times: of the published files, in seconds.
        begun: time of the event.

    Raises:
        ValueError: if no file was published before or after the event.
    """
    ordered = sorted(times)
    before = [time for time in ordered if time <= begun]
    after = [time for time in ordered if time > begun]
    if not before or not after:
        raise ValueError(f"{len(before)} files were published before the event and {len(after)} after it")
    return max(later - earlier for earlier, later in pairwise([before[-1], *after]))


@dataclass
class Subject:
    """A running job whose output is observed.

    Attributes:
        job: asked over REST.
        variant: `plain`, `default` or `fast`.
        change: applies settings of the job, in the form of `jobs.<name>`.
    """

    job: RunningTotals
    variant: str
    change: Callable[[Mapping[str, Any]], None]

    def measure(self, event: str, act: Callable[[], None], *, restarts: bool = True) -> float:
        """The gap that an event causes, in seconds.

        Args:
            event: its name, for errors.
            act: causes it.
            restarts: whether the job restarts because of it.
        """
        self.publishes()
        begun = time.time()
        act()
        if restarts:
            until(f"{event}: a restart", lambda: (self._started() or 0) > begun, 300, state=self.job.status)

        def is_over() -> bool:
            started = self._started()
            return started is not None and time.time() - max(started, begun) > _SETTLED

        until(f"{event}: no further restart", is_over, 300, state=self.job.status)
        self.publishes()
        return longest(self.times(), begun)

    def audit(self, *, beyond: int = 0) -> Audit:
        """The output when it contains a number above `beyond`.

        It is read again if it is not exact: a reader can see a part of the files of a checkpoint.
        """
        command = f"{_files(self.job.name)} -exec cat {{}} +"

        def look() -> Audit | None:
            output = audit(in_reader(self.job.kubectl, "sh", "-c", command))
            return output if output.highest > beyond else None

        output = until(f"output beyond {beyond}", look, 300)
        return output if output.is_exact else look() or output

    def task_manager(self) -> str:
        """The pod of a TaskManager that runs a task."""
        running = until("the job runs", self.job.job)
        vertex = running["vertices"][-1]["id"]
        answer = until(
            "its TaskManager", lambda: self.job.ask(f"/jobs/{running['jid']}/vertices/{vertex}/taskmanagers")
        )
        return str(answer["taskmanagers"][0]["taskmanager-id"])

    def job_manager(self) -> str:
        """The pod of the leading JobManager."""
        names = self.job.pods("jobmanager")
        if len(names) == 1:
            return names[0]
        leaders = self.job.kubectl.get("configmap", f"{self.job.name}-cluster-config-map", "-n", NAMESPACE) or {}
        [dispatcher] = [text for key, text in leaders["data"].items() if "dispatcher" in key]
        pods = (self.job.kubectl.get("pods", "-n", NAMESPACE) or {"items": []})["items"]
        [leader] = [pod for pod in pods if f"@{pod['status'].get('podIP')}:" in dispatcher]
        return str(leader["metadata"]["name"])

    def publishes(self) -> None:
        """Wait until three further files are published."""
        count = len(self.times())
        until("further output", lambda: len(self.times()) >= count + 3, 300, state=self.job.status)

    def times(self) -> list[float]:
        """The times at which the files of the output were published, in seconds."""
        return [
            float(line) for line in in_reader(self.job.kubectl, "sh", "-c", f"{_files(self.job.name)} -printf '%C@\\n'")
        ]

    def _started(self) -> float | None:
        """The time of the last start or restart of the running job, in seconds; None if it does not run."""
        running = self.job.job()
        checkpoints = None if running is None else self.job.ask(f"/jobs/{running['jid']}/checkpoints")
        if running is None or checkpoints is None:
            return None
        restored: dict[str, int] = checkpoints["latest"]["restored"] or {}
        return max(running["start-time"], restored.get("restore_timestamp", 0)) / 1000


def _files(job: str) -> str:
    return f"find {MOUNT}/{job} -type f -name '{JOB}-*'"


def _kill(kubectl: Kubectl, pod: str, namespace: str = NAMESPACE) -> None:
    kubectl.run("delete", "pod", pod, "-n", namespace, "--grace-period=0", "--force")


def _freeze(task_manager: str) -> None:
    """Stop the processes of a TaskManager without closing its connections."""
    option = f"-Dtaskmanager.resource-id={task_manager}".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if option in command.read_bytes().split(b"\0"):
                os.kill(int(command.parent.name), signal.SIGSTOP)
        except (FileNotFoundError, ProcessLookupError):
            continue


def events(subject: Subject) -> Iterator[tuple[str, float]]:
    """Each event and its gap, one after the other."""
    kubectl = subject.job.kubectl

    def changed(**settings: Any) -> Callable[[], None]:
        return lambda: subject.change({"env": {"ROUND": str(time.time_ns())}, **settings})

    yield "none", subject.measure("none", lambda: None, restarts=False)
    yield "variable, by savepoint", subject.measure("savepoint", changed(upgradeMode="savepoint"))
    if subject.variant != "plain":  # the operator requires high availability for it
        yield "variable, by last state", subject.measure("last-state", changed(upgradeMode="last-state"))
    to_two = {"parallelism": 2, "upgradeMode": "savepoint"}
    yield "parallelism 1 to 2", subject.measure("parallelism", lambda: subject.change(to_two))
    if subject.variant == "fast":
        yield "parallelism of vertices 2 to 1, in place", subject.measure("in place", _in_place(subject))
    option = {"flinkConfiguration": {"kubernetes.operator.savepoint.history.max.age": f"{int(time.time())} s"}}
    yield "option of the operator", subject.measure("option", lambda: subject.change(option), restarts=False)
    yield "TaskManager killed", subject.measure("TaskManager", lambda: _kill(kubectl, subject.task_manager()))
    subject.job.seen_running()
    yield (
        "TaskManager frozen, as if its node were lost",
        subject.measure("frozen", lambda: _freeze(subject.task_manager())),
    )
    subject.job.seen_running()
    yield "JobManager killed", subject.measure("JobManager", lambda: _kill(kubectl, subject.job_manager()))
    subject.job.seen_running()
    [operator] = [pod["metadata"]["name"] for pod in (kubectl.get("pods", *OPERATOR) or {})["items"]]
    seconds = subject.measure("operator", lambda: _kill(kubectl, operator, OPERATOR[1]), restarts=False)
    yield "operator killed", seconds


def _in_place(subject: Subject) -> Callable[[], None]:
    """Changes the parallelism of each vertex to 1, after a restart that sets it to 2 by the same option."""
    vertices = [vertex["id"] for vertex in until("the job runs", subject.job.job)["vertices"]]

    def change(parallelism: int) -> None:
        text = ",".join(f"{vertex}:{parallelism}" for vertex in vertices)
        subject.change({"flinkConfiguration": {"pipeline.jobvertex-parallelism-overrides": text}})

    change(2)
    subject.job.seen_running()
    return lambda: change(1)


def measured(subject: Subject) -> Iterator[Gap]:
    """The gap of each event, with the records that are lost and doubled since the event before."""
    before = subject.audit()
    for event, seconds in events(subject):
        after = subject.audit(beyond=subject.audit().highest)  # after the last repeated record
        gap = Gap(
            event,
            subject.variant,
            seconds,
            len(after.lost) - len(before.lost),
            len(after.doubled) - len(before.doubled),
        )
        say(f"{gap}; {after}")
        yield gap
        before = after


def of_project(job: RunningTotals, variant: str) -> Subject:
    """The job of this project, which runs at parallelism 1.

    Args:
        job: to bring up.
        variant: `default` or `fast`.
    """
    job.up(
        enabled=True,
        parameters={"rate": RATE},
        parallelism=1,
        upgradeMode="savepoint",
        jobManager={"cpu": _CPU},
        taskManager={"cpu": _CPU},
        recovery="fast" if variant == "fast" else None,
        flinkConfiguration={**_OPTIONS, **SAVEPOINT_OR_NONE, "pipeline.jobvertex-parallelism-overrides": None},
    )
    job.seen_running()

    def change(changed: Mapping[str, Any]) -> None:
        job.up(**changed)

    return Subject(job, variant, change)


def plain(kubectl: Kubectl, folder: Path) -> Subject:
    """A FlinkDeployment of the same job, applied with kubectl, in the namespace of the stack."""
    manifest: dict[str, Any] = yaml.safe_load((ROOT / "jobs" / "running_totals.yaml").read_text())
    manifest["metadata"] = {"name": PLAIN, "namespace": NAMESPACE}
    spec = manifest["spec"]
    state = f"file://{MOUNT}/{PLAIN}-state"
    spec["flinkConfiguration"] |= {
        **_OPTIONS,
        "execution.checkpointing.dir": f"{state}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{state}/savepoints",
        # The operator would not delete them together with the job.
        "kubernetes.operator.snapshot.resource.enabled": "false",
    }
    for process in ("jobManager", "taskManager"):
        spec[process]["resource"]["cpu"] = _CPU
    [container] = spec["podTemplate"]["spec"]["containers"]
    container["volumeMounts"] = [{"name": "state", "mountPath": MOUNT}]
    spec["podTemplate"]["spec"]["volumes"] = [{"name": "state", "persistentVolumeClaim": {"claimName": CLAIM}}]
    spec["job"]["args"] = [arg.replace(JOB, PLAIN) if arg.startswith(MOUNT) else arg for arg in spec["job"]["args"]]
    spec["job"]["args"] += ["--rate", str(RATE)]
    job = RunningTotals(kubectl, folder, list, name=PLAIN)

    def change(settings: Mapping[str, Any]) -> None:
        spec["flinkConfiguration"] |= settings.get("flinkConfiguration", {})
        spec["job"] |= {key: settings[key] for key in ("parallelism", "upgradeMode") if key in settings}
        container["env"] = [
            {"name": name, "value": value} for name, value in settings.get("env", {}).items()
        ] or container.get("env", [])
        kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest).encode())

    change({})
    until("the job runs", job.job, 300, state=job.status)
    job.seen_running()
    return Subject(job, "plain", change)


def blue_green(kubectl: Kubectl, folder: Path) -> Gap:
    """The gap of a changed variable of a FlinkBlueGreenDeployment. Until blue is deleted, both jobs write."""
    platform = Project(folder).copy({f"{BLUE_GREEN}.yaml": other_kinds.blue_green(env={"ROUND": "1"})})

    def up() -> None:
        result = platform.make("up", operator=_OPERATOR)
        assert result.code == 0, result.output

    up()
    with reader(kubectl):
        subject = Subject(RunningTotals(kubectl, folder, list, name=BLUE_GREEN), "default", lambda _: None)
        subject.publishes()
        begun = time.time()
        platform.write(f"{BLUE_GREEN}.yaml", other_kinds.blue_green(env={"ROUND": "2"}))
        up()
        time.sleep(_SETTLED)
        subject.publishes()
        output = subject.audit()
        return Gap(
            "variable, blue/green", "default", longest(subject.times(), begun), len(output.lost), len(output.doubled)
        )


def run(folder: Path, rounds: int) -> Iterator[Gap]:
    """All gaps, on an empty sandbox.

    Args:
        folder: an empty folder.
        rounds: how often each event is measured.
    """
    with empty_sandbox() as kubectl:
        job = RunningTotals(kubectl, folder, list, config={"operator": _OPERATOR})
        for variant in ("default", "fast"):
            for _ in range(rounds):
                subject = of_project(job, variant)
                with reader(kubectl):
                    yield from measured(subject)
        suspended = make("suspend", "STACK=sandbox", job.layer(), timeout=300)
        assert suspended.returncode == 0, suspended.stderr
        with reader(kubectl):
            for _ in range(rounds):
                subject = plain(kubectl, folder)
                yield from measured(subject)
                kubectl.run("delete", "flinkdeployment", PLAIN, "-n", NAMESPACE, "--timeout=120s")
        destroy()
        for _ in range(rounds):
            yield blue_green(kubectl, folder)
            destroy()


def table(machine_title: str, gaps: Sequence[Gap]) -> str:
    """The rows by event, and the columns by variant."""
    lines = [
        f"{machine_title}.",
        "",
        f"| event | {' | '.join(VARIANTS.values())} |",
        f"| --- {'| ---: ' * len(VARIANTS)}|",
    ]
    for event in dict.fromkeys(gap.event for gap in gaps):
        cells = [_cell([gap for gap in gaps if (gap.event, gap.variant) == (event, variant)]) for variant in VARIANTS]
        lines.append(f"| {event} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return "-"
    text = ", ".join(f"{gap.seconds:.1f}" for gap in gaps) + " s"
    for name in ("lost", "doubled"):
        numbers = [getattr(gap, name) for gap in gaps]
        if any(numbers):
            text += f", {', '.join(map(str, numbers))} {name}"
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see `--help`."""
    parser = argparse.ArgumentParser(prog="dev.bench.gaps", description="measure the gaps in the output of a job")
    parser.add_argument("--rounds", type=int, default=2, help="how often each event is measured")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the page")
    options = parser.parse_args(arguments)
    title = machine()
    with tempfile.TemporaryDirectory() as folder:
        gaps = list(run(Path(folder), options.rounds))
    docs: Path = options.docs
    data = {"machine": title, "gaps": [asdict(gap) for gap in gaps]}
    (docs / DATA).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    page = docs / PAGE
    page.write_text(replaced(page.read_text(encoding="utf-8"), _BEGIN, _END, table(title, gaps)), encoding="utf-8")
    say(f"written: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
