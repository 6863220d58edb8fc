"""The control groups of the sandbox: everything that it runs is in `flink-k8s`, daemons in `flink-k8s/daemons`, pods in
`flink-k8s/kubepods`.

Changes to the machine outside of the sandbox's folder: the group `flink-k8s` in each cgroup v1 hierarchy, or in the v2
hierarchy (and the controllers of its root are enabled for groups if systemd has not enabled them). `remove` deletes the
groups.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from sandbox.report import Failure

ROOT = "flink-k8s"
_DAEMONS = f"{ROOT}/daemons"
_NEEDED = ("cpu", "cpuset", "memory", "pids")
_FS = Path("/sys/fs/cgroup")


def hierarchies() -> tuple[Path, ...]:
    """The mount points of cgroups: one with cgroup v2, else one per v1 hierarchy."""
    mounts = _mounts()
    if mounts.get(_FS) == "cgroup2":
        return (_FS,)
    return tuple(path for path, kind in mounts.items() if kind == "cgroup" and path.parent == _FS)


def is_v2() -> bool:
    """Whether the machine has only cgroup v2."""
    return hierarchies() == (_FS,)


def ensure() -> None:
    """Create the groups.

    Raises:
        Failure: a controller that the kubelet needs is missing or cannot be enabled.
    """
    if is_v2():
        _ensure_v2()
    else:
        _ensure_v1()


def joined(*argv: str) -> list[str]:
    """The argv that runs a command and its children in the daemons' group."""
    groups = " ".join(str(hierarchy / _DAEMONS) for hierarchy in hierarchies())
    script = 'for group in $0; do echo 0 >"$group/cgroup.procs"; done; exec "$@"'
    return ["/bin/sh", "-ec", script, groups, *argv]


def existing() -> list[Path]:
    """The sandbox's existing groups, one per hierarchy; with v1, runc also creates one in the v2 hierarchy."""
    return [path / ROOT for path in _mounts() if (path / ROOT).is_dir()]


def remove(seconds: float = 10) -> list[Path]:
    """Kill the processes in the groups, and delete the groups; returns the deleted groups.

    Raises:
        Failure: a group still has processes after the timeout.
    """
    groups = existing()
    deadline = time.monotonic() + seconds
    for top in groups:
        for folder in (Path(name) for name, _, _ in os.walk(top, topdown=False)):
            while folder.exists():
                pids = _processes(folder)
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                try:
                    folder.rmdir()
                except OSError as error:
                    if time.monotonic() > deadline:
                        busy = f"its processes are {', '.join(map(str, pids))}" if pids else "it has no processes"
                        raise Failure(f"cannot remove control group {folder}: {error.strerror}; {busy}") from None
                    time.sleep(0.02)
    return groups


def _mounts() -> dict[Path, str]:
    """The kind of file system, `cgroup` or `cgroup2`, by mount point."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    kinds = {Path(fields[4]): fields[fields.index("-") + 1] for fields in mounts}
    return {path: kind for path, kind in kinds.items() if kind.startswith("cgroup")}


def _processes(group: Path) -> list[int]:
    """The processes of a group, without those in PID namespaces that are not visible, which are listed as 0."""
    try:
        pids = map(int, (group / "cgroup.procs").read_text().split())
        return [pid for pid in pids if pid > 0]
    except OSError:
        return []


def _ensure_v1() -> None:
    names = {name for path in hierarchies() for name in path.name.split(",")}
    absent = [name for name in _NEEDED if name not in names]
    if absent:
        raise Failure(f"the kernel's cgroup controllers {', '.join(absent)} are not mounted under {_FS}")
    for hierarchy in hierarchies():
        for group in (ROOT, _DAEMONS):
            folder = hierarchy / group
            folder.mkdir(exist_ok=True)
            # A new cpuset is empty: processes can run in it only once it has processors and memory.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (folder / name).exists() and not (folder / name).read_text().strip():
                    (folder / name).write_text((folder.parent / name).read_text())


def _ensure_v2() -> None:
    # Only leaf groups may contain processes, so the daemons have a separate group.
    (_FS / _DAEMONS).mkdir(parents=True, exist_ok=True)
    for group in (_FS, _FS / ROOT):
        available = (group / "cgroup.controllers").read_text().split()
        enabled = (group / "cgroup.subtree_control").read_text().split()
        for name in available:
            if name in enabled:
                continue
            try:
                (group / "cgroup.subtree_control").write_text(f"+{name}")
            except OSError as error:
                if name in _NEEDED:
                    raise Failure(
                        f"cannot enable the cgroup controller {name} in {group}: {error.strerror}; "
                        "in a container, move its processes into a group below the root first"
                    ) from None
    absent = [name for name in _NEEDED if name not in (_FS / ROOT / "cgroup.controllers").read_text().split()]
    if absent:
        raise Failure(f"the kernel does not offer the cgroup controllers {', '.join(absent)} in {_FS}")
