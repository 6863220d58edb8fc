"""The sandbox's node: one init process that holds network, mount, process, host name and IPC namespaces of its own.

Every daemon and pod is inside, so when the init ends, the kernel ends all of them and takes their mounts, interfaces
and packet filter rules along; what stays on disk is as after a power cut. The init is found by its argv, not by a file
that could be stale: there is one on a machine.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import cgroups, rootfs
from sandbox.golang import PAUSE
from sandbox.home import PROJECT, Home
from sandbox.report import Failure

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
_UNIT = "SANDBOX_UNIT"


@dataclass(frozen=True)
class Process:
    """A process inside the node: its id on the machine, its argv, and the `unit` that it was started as (or empty)."""

    pid: int
    argv: tuple[str, ...]
    unit: str

    @property
    def program(self) -> str:
        """The name of the program."""
        return Path(self.argv[0]).name


@dataclass(frozen=True)
class Node:
    """A node that runs: the init's process id on the machine, and the home it belongs to."""

    pid: int
    home: Path

    @property
    def root(self) -> Path:
        """The node's root folder as seen from the machine."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def started(self) -> float:
        """When it was started, in seconds since the epoch."""
        return started(self.pid)

    @property
    def boot_id(self) -> str:
        """The id of this run of the node, as the kubelet reports it."""
        return (self.root / "proc/sys" / rootfs.BOOT_ID).read_text().strip()

    def has_container(self, container: str) -> bool:
        """Whether a container (`containerd://<id>`) was started in this run of the node and is not removed."""
        tasks = self.root / "run/containerd/io.containerd.runtime.v2.task/k8s.io"
        return (tasks / container.partition("://")[2]).is_dir()

    def command(self, *argv: str) -> list[str]:
        """The argv of a command that runs inside the node."""
        return ["nsenter", "--target", str(self.pid), *_NAMESPACES, "--", *argv]

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command inside the node and returns what it printed.

        Raises:
            Failure: it failed, unless `check` is off.
        """
        return run(*self.command(*argv), check=check)

    def start(self, argv: Sequence[str], unit: str, log: str) -> None:
        """Starts a daemon inside the node. `unit` marks it, see `processes`; `log` is a path inside the node."""
        # setsid --fork hands the daemon over to the node's init.
        script = 'log=$1; shift; exec setsid --fork "$@" >>"$log" 2>&1 </dev/null'
        command = self.command("/bin/sh", "-c", script, "sh", log, *argv)
        run(*cgroups.joined(*command), environment={"PATH": PATH, "HOME": "/root", _UNIT: unit})

    def processes(self) -> list[Process]:
        """The daemons of the node: what has its process and mount namespaces, which no pod's container does."""
        own = _namespaces(self.pid)
        found = (process for process in _processes() if process.pid != self.pid)
        return [process for process in found if _namespaces(process.pid) == own]


def find() -> Node | None:
    """The node that runs on this machine, whoever's it is."""
    own = _namespaces(os.getpid())
    for process in _processes():
        if process.argv[0] == rootfs.INIT and len(process.argv) == 2 and _namespaces(process.pid) not in (own, None):
            return Node(process.pid, Path(process.argv[1]))
    return None


def start(home: Home) -> Node:
    """Starts an empty node: namespaces, root file system, init.

    Raises:
        Failure: the machine refused one of these; with what it said.
    """
    for folder in rootfs.state_folders(home):
        folder.mkdir(parents=True, exist_ok=True)
    home.etc.chmod(0o700)
    cgroups.ensure()
    log = home.log / "node.log"
    init = f"{rootfs.BIN}/{PAUSE.programs(home).name}/pause"
    command = ["setsid", "--fork", "unshare", *_NAMESPACES, "--fork", "--propagation", "private", "--"]
    command += [sys.executable, "-m", "sandbox.rootfs", str(home.root), init]
    environment = {"PATH": PATH, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = cgroups.joined(*command)
    with log.open("wb") as output:
        subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True
        )
    deadline = time.monotonic() + 20
    while (node := find()) is None:
        said = log.read_text().strip()
        if time.monotonic() > deadline or "Error" in said:
            last = said.splitlines()[-3:]
            raise Failure(f"the node's namespaces could not be set up: {' | '.join(last) or 'no word'}; see {log}")
        time.sleep(0.02)
    return node


def end(pid: int, seconds: float) -> None:
    """Ends a process politely, then by force when it is still there after some seconds."""
    begun = started(pid)
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10.0)):
        deadline = time.monotonic() + patience
        try:
            if patience:
                os.kill(pid, number)
            while time.monotonic() < deadline:
                if started(pid) != begun:
                    return
                time.sleep(0.02)
        except ProcessLookupError:
            return
    raise Failure(f"process {pid} does not end, not even by SIGKILL")


def started(pid: int) -> float:
    """When a process was started, in seconds since the epoch; 0 when it does not run (a zombie does not)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    if fields[0] in "ZX":
        return 0.0
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def run(
    *argv: str, check: bool = True, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command and returns what it printed (stdout and stderr together).

    Raises:
        Failure: it failed, unless `check` is off.
    """
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
    )
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {done.stdout.strip() or f'exit code {done.returncode}'}")
    return done


def _processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended meanwhile
            continue
        if argv:
            unit = next((value.partition("=")[2] for value in variables if value.startswith(f"{_UNIT}=")), "")
            yield Process(int(entry.name), tuple(argv), unit)


def _namespaces(pid: int) -> tuple[str, str] | None:
    try:
        own = Path("/proc", str(pid), "ns")
        return str((own / "pid").readlink()), str((own / "mnt").readlink())
    except OSError:  # it ended, or it is another user's and we are not root
        return None
