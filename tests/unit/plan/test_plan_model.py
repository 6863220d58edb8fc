"""The plan against a small model of a cluster, on random pairs of specs.

The model has disks, pods that mount them, and files that processes write and read. It decides by the files that remain
after the deletion of the old pods, and shares no code with the plan: it never reads a manifest.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_k8s.plan.effects import Effect, changed
from flink_k8s.plan.state import DeclaredJob, Operator
from tests.unit.plan.cases import Manifest, batch, on

PAIRS = 1000
"""Pairs of specs in a run."""

PROCESSES = ("jobManager", "taskManager")
POD = "pod"
NEW_OPERATOR, OLD_OPERATOR = "1.16.1", "1.7.0"


@dataclass(frozen=True)
class Mount:
    """A directory of a disk in a pod."""

    disk: str
    folder: str = ""
    writable: bool = True


@dataclass(frozen=True)
class Spec:
    """The settings of a job's resource that concern its state."""

    mode: str
    suspended: bool
    ha: str
    ha_folder: str
    checkpoints: str
    savepoints: str
    timed: bool
    cancels: bool
    deletes: bool
    ignores: str
    version: str
    mounts: dict[str, dict[str, Mount]]

    @property
    def has_state(self) -> bool:
        return self.mode != "stateless" or bool(self.timed or self.checkpoints or self.savepoints)

    @property
    def takes_checkpoints(self) -> bool:
        return self.mode != "stateless" or self.timed or bool(self.checkpoints)

    def place(self, process: str, directory: str) -> tuple[str, str, bool]:
        """Disk, path in it, and whether the process can write there: by looking for mounts from the path upwards."""
        if directory.startswith("s3:"):
            return "bucket", directory, True
        mounts, at, below = self.mounts[process], directory.removeprefix("file://"), ""
        while at not in mounts:
            if at in ("", "/"):
                path = directory.removeprefix("file://")
                return POD, path, path.startswith("/tmp/")
            at, _, last = at.rpartition("/")
            below = f"/{last}{below}"
        mount = mounts[at]
        return mount.disk, f"{mount.folder}{below}", mount.writable


class StuckError(Exception):
    """The operator tries it again and again."""


class LostError(Exception):
    """The job starts empty, or never again."""


def in_both(directory: str) -> dict[str, list[str]]:
    """Files of both processes."""
    return {process: [directory] if directory else [] for process in PROCESSES}


@dataclass
class Cluster:
    """What the operator and Flink do when a job's resource changes from one spec to another."""

    old: Spec
    new: Spec
    operator: str

    def verdict(self) -> tuple[bool, bool]:
        """Whether state is lost, and whether the change never finishes."""
        dropped = self.old.has_state and bool(self.new.ignores) and not self.old.ignores
        try:
            files = self.resumed() if self.old.suspended else self.stopped()
            self.start(files)
        except StuckError:
            return dropped, True
        except LostError:
            return self.old.has_state or dropped, False
        return dropped, False

    def start(self, files: dict[str, list[str]]) -> None:
        """Each process of the new pods opens what its predecessor has written."""
        for process, directories in files.items():
            for directory in directories:
                disk, path, _ = self.old.place(process, directory)
                if disk in (POD, "emptyDir", "ephemeral") or self.new.place(process, directory)[:2] != (disk, path):
                    raise LostError

    def stopped(self) -> dict[str, list[str]]:
        if self.new.mode == "stateless":
            raise LostError
        if self.new.mode == "savepoint":
            return self.savepoint()
        if self.old.version != self.new.version:
            if self.operator == OLD_OPERATOR or self.new.savepoints or self.old.savepoints:
                return self.savepoint()
            return self.cancelled()
        if not self.old.ha:
            return self.savepoint() if self.operator == OLD_OPERATOR else self.cancelled()
        if self.new.cancels and self.operator == NEW_OPERATOR:
            return self.cancelled()
        return self.recovered()

    def savepoint(self) -> dict[str, list[str]]:
        """To the new spec's directory, by the old pods."""
        directory = self.new.savepoints or self.old.savepoints
        if not directory or not all(self.old.place(process, directory)[2] for process in PROCESSES):
            raise StuckError
        return in_both(directory)

    def cancelled(self) -> dict[str, list[str]]:
        """The checkpoint's own path is used, unless Flink deletes it with the job."""
        if not self.old.takes_checkpoints or not self.old.checkpoints or (self.old.deletes and not self.old.suspended):
            raise LostError
        return in_both(self.old.checkpoints)

    def recovered(self) -> dict[str, list[str]]:
        """Metadata that the new JobManager finds points to files of high availability, those to the checkpoint."""
        if not self.old.takes_checkpoints or self.old.ha != self.new.ha:
            raise LostError
        checkpoints = [self.old.checkpoints] if self.old.checkpoints else []
        return {PROCESSES[0]: [*checkpoints, self.old.ha_folder], PROCESSES[1]: checkpoints}

    def resumed(self) -> dict[str, list[str]]:
        """From what the job was suspended with."""
        if self.new.mode == "stateless":
            raise LostError
        if self.old.mode == "savepoint":
            return in_both(self.old.savepoints)
        return self.recovered() if self.old.ha else self.cancelled()


DIRECTORIES = ("s3://b/", "s3://b/", "file:///tmp/", "file:///state/", "file:///state/", "file:///data/x/")
PATHS = ("/state", "/state", "/state/sp", "/data", "/data/x", "/tmp")
DISKS = ("claim a", "claim a", "claim a", "claim b", "nfs nas", "emptyDir", "ephemeral")
IGNORES = ("field", "execution.savepoint.ignore-unclaimed-state", "execution.state-recovery.ignore-unclaimed-state")


def mount(rng: random.Random) -> Mount:
    return Mount(rng.choice(DISKS), rng.choice(("", "", "/x", "/x/y")), rng.random() < 0.85)


def mounts(rng: random.Random) -> dict[str, dict[str, Mount]]:
    """The same in both processes, or not."""

    def of_process() -> dict[str, Mount]:
        return {rng.choice(PATHS): mount(rng) for _ in range(rng.randrange(4))}

    common = of_process()
    return {process: common if rng.random() < 0.8 else of_process() for process in PROCESSES}


def other_mounts(rng: random.Random, old: dict[str, dict[str, Mount]]) -> dict[str, dict[str, Mount]]:
    """All others, or one of a process that is another."""
    process = rng.choice(PROCESSES)
    if rng.random() < 0.3 or not old[process]:
        return mounts(rng)
    path = rng.choice(list(old[process]))
    new = mount(rng)
    moved = replace(old[process][path], folder=new.folder) if rng.random() < 0.5 else new
    return {**old, process: {**old[process], path: moved}}


def some_spec(rng: random.Random, operator: str) -> Spec:
    """One spec that the operator takes."""
    mode = rng.choice(("savepoint", "savepoint", "last-state", "last-state", "stateless"))
    implementations = ("kubernetes", "kubernetes", "zookeeper")
    ha = rng.choice(
        implementations if mode == "last-state" and operator == OLD_OPERATOR else (*implementations, "", "")
    )
    in_bucket = rng.random() < 0.4
    directories = ["s3://b/" if in_bucket else rng.choice(DIRECTORIES) for _ in range(3)]
    return Spec(
        mode=mode,
        suspended=rng.random() < 0.3 and mode != "stateless",
        ha=ha,
        ha_folder=f"{directories[0]}ha" if ha else "",
        checkpoints=f"{directories[1]}cp" if rng.random() < 0.8 else "",
        savepoints=f"{directories[2]}sp" if rng.random() < 0.8 else "",
        timed=rng.random() < 0.5,
        cancels=rng.random() < 0.25,
        deletes=rng.random() < 0.25,
        ignores=rng.choice(IGNORES) if rng.random() < 0.2 else "",
        version="v1_19",
        mounts=mounts(rng),
    )


def some_pair(rng: random.Random) -> tuple[Spec, Spec, str]:
    """A spec, and one that differs from it in a few things or in none."""
    operator = rng.choice((NEW_OPERATOR, NEW_OPERATOR, OLD_OPERATOR))
    old, other = some_spec(rng, operator), some_spec(rng, operator)
    fields = ("mode", "ha", "checkpoints", "savepoints", "cancels", "ignores", "mounts", "suspended")
    new = replace(old, **{name: getattr(other, name) for name in rng.sample(fields, rng.randrange(3))})
    if new.mounts != old.mounts:
        new = replace(new, mounts=other_mounts(rng, old.mounts))
    if operator == OLD_OPERATOR and new.mode == "last-state" and not new.ha:
        new = replace(new, ha="kubernetes")
    new = replace(new, ha_folder=new.ha and (old.ha_folder or other.ha_folder or "s3://b/ha"))
    if rng.random() < 0.2 and not old.suspended:
        new = replace(new, version="v1_18")  # of a job that is suspended by last-state the operator refuses it
    return old, replace(new, suspended=new.suspended and new.mode != "stateless"), operator


def manifest(spec: Spec, operator: str, choose: Callable[[tuple[Any, ...]], Any]) -> Manifest:
    """The resource, with any of the names and shapes that mean the same."""

    def one_of(*choices: Any) -> Any:
        return choose(choices)

    today = operator == NEW_OPERATOR
    values: dict[str, object] = {
        "conf:kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": str(spec.cancels).lower(),
        "spec.job.upgradeMode": spec.mode,
        "spec.flinkVersion": spec.version,
        "spec.podTemplate": {},
    }
    if spec.mounts[PROCESSES[0]] == spec.mounts[PROCESSES[1]]:
        values["spec.podTemplate"] = pods(spec.mounts[PROCESSES[0]], one_of)
    else:
        values |= {f"spec.{process}.podTemplate": pods(spec.mounts[process], one_of) for process in PROCESSES}
    if spec.suspended:
        values["spec.job.state"] = "suspended"
    if spec.timed:
        values["conf:execution.checkpointing.interval"] = "1 min"
    if spec.deletes:
        values["conf:execution.checkpointing.externalized-checkpoint-retention"] = "DELETE_ON_CANCELLATION"
    if spec.ha:
        class_name = "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"
        name = one_of("kubernetes", "KUBERNETES", class_name) if spec.ha == "kubernetes" else spec.ha
        values[f"conf:{one_of('high-availability.type', 'high-availability')}"] = name
        values["conf:high-availability.storageDir"] = spec.ha_folder
    for directory, old_names, name in (
        (spec.checkpoints, ("state.checkpoints.dir",), "execution.checkpointing.dir"),
        (spec.savepoints, ("state.savepoints.dir",), "execution.checkpointing.savepoint-dir"),
    ):
        if directory:
            shape = one_of(directory, directory.replace("file://", "file:"), directory.replace("file://", ""))
            values[f"conf:{one_of(*old_names, *([name] if today else []))}"] = shape
    if spec.ignores == "field":
        values["spec.job.allowNonRestoredState"] = True
    elif spec.ignores:
        values[f"conf:{spec.ignores}"] = "true"
    return on(batch(), values)


def pods(of_process: dict[str, Mount], one_of: Any) -> Manifest:
    """A pod template with these mounts."""
    volumes: list[Manifest] = []
    volume_mounts: list[Manifest] = []
    for index, (path, mounted) in enumerate(of_process.items()):
        kind, _, name = mounted.disk.partition(" ")
        settings: Manifest = {"name": f"v{index}", "mountPath": path + one_of("", "/")}
        folder = mounted.folder.removeprefix("/")
        source: Manifest = {kind: {}}
        if kind == "claim":
            source = {"persistentVolumeClaim": {"claimName": name}}
        elif kind == "nfs" and one_of(True, False):
            source, folder = {"nfs": {"server": name, "path": f"/{folder}"}}, ""
        elif kind == "nfs":
            source = {"nfs": {"server": name, "path": "/"}}
        if folder:
            settings["subPath"] = folder
        if not mounted.writable:
            settings["readOnly"] = True
        volumes.append({"name": f"v{index}", **source})
        volume_mounts.append(settings)
    return {
        "spec": {"volumes": volumes, "containers": [{"name": "flink-main-container", "volumeMounts": volume_mounts}]}
    }


COUNTED: Counter[tuple[bool, bool]] = Counter()


@settings(max_examples=PAIRS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**64))
def compare(seed: int) -> None:
    rng = random.Random(seed)
    old, new, operator = some_pair(rng)
    at = Operator(operator, {})
    before, after = manifest(old, operator, rng.choice), on(manifest(new, operator, rng.choice), {"conf:x.y": "z"})
    outcome = changed(DeclaredJob.of(before, at), DeclaredJob.of(after, at))
    expected = Cluster(old, new, operator).verdict()
    COUNTED[expected] += 1
    assert (bool(outcome.loss), outcome.effect is Effect.STUCK) == expected, (outcome, before, after)


def test_the_plan_agrees_with_the_model_on_random_pairs() -> None:
    """And each verdict is among them often enough to mean something: kept, lost, never finished."""
    COUNTED.clear()
    compare()
    assert sum(COUNTED.values()) >= PAIRS
    for verdict in ((False, False), (True, False), (False, True)):
        assert COUNTED[verdict] >= PAIRS // 10, COUNTED
