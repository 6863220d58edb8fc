"""The sandbox's node: an init process with its own network, mount, process, host name and IPC namespaces.

Every daemon and pod is inside, so when the init ends, the kernel kills all of them and deletes their mounts, interfaces
and packet filter rules; the disk is as after a power cut. The init is found by its argv, not by a file that could be
stale: a machine has only one.
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
    """A process in the node: its ID on the machine, its argv, and its `unit`, or empty."""

    pid: int
    argv: tuple[str, ...]
    unit: str

    @property
    def program(self) -> str:
        """The name of the program."""
        return Path(self.argv[0]).name


@dataclass(frozen=True)
class Node:
    """A running node: the init's process ID on the machine, and its home."""

    pid: int
    home: Path

    @property
    def root(self) -> Path:
        """The node's root folder as seen from the machine."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def started(self) -> float:
        """Time of its start, in seconds since the epoch."""
        return started(self.pid)

    @property
    def boot_id(self) -> str:
        """The ID of this run of the node, which the kubelet reports."""
        return (self.root / "proc/sys" / rootfs.BOOT_ID).read_text().strip()

    def has_container(self, container: str) -> bool:
        """Whether a container (`containerd://<id>`) was started in this run of the node and still exists."""
        tasks = self.root / "run/containerd/io.containerd.runtime.v2.task/k8s.io"
        return (tasks / container.partition("://")[2]).is_dir()

    def command(self, *argv: str) -> list[str]:
        """The argv of a command that runs inside the node."""
        return ["nsenter", "--target", str(self.pid), *_NAMESPACES, "--", *argv]

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside the node and return its output.

        Raises:
            Failure: it failed, and `check` is true.
        """
        return run(*self.command(*argv), check=check)

    def start(self, argv: Sequence[str], unit: str, log: str) -> None:
        """Start a daemon inside the node. `unit` identifies it, see `processes`; `log` is a path inside the node."""
        # setsid --fork makes the node's init the daemon's parent.
        script = 'log=$1; shift; exec setsid --fork "$@" >>"$log" 2>&1 </dev/null'
        command = self.command("/bin/sh", "-c", script, "sh", log, *argv)
        run(*cgroups.joined(*command), environment={"PATH": PATH, "HOME": "/root", _UNIT: unit})

    def processes(self) -> list[Process]:
        """The daemons of the node: processes in its process and mount namespaces; containers have their own."""
        own = _namespaces(self.pid)
        other_processes = (process for process in _processes() if process.pid != self.pid)
        return [process for process in other_processes if _namespaces(process.pid) == own]


def find() -> Node | None:
    """The node that runs on this machine, of any home."""
    own = _namespaces(os.getpid())
    for process in _processes():
        if process.argv[0] == rootfs.INIT and len(process.argv) == 2 and _namespaces(process.pid) not in (own, None):
            return Node(process.pid, Path(process.argv[1]))
    return None


def start(home: Home) -> Node:
    """Start an empty node: namespaces, root file system, init.

    Raises:
        Failure: a step failed; with its error.
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
        log_text = log.read_text().strip()
        if time.monotonic() > deadline or "Error" in log_text:
            last = log_text.splitlines()[-3:]
            raise Failure(f"the node's namespaces could not be set up: {' | '.join(last) or 'no output'}; see {log}")
        time.sleep(0.02)
    return node


def end(pid: int, seconds: float) -> None:
    """Send SIGTERM to a process, and SIGKILL if it still runs after some seconds."""
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
    raise Failure(f"process {pid} does not end, even after SIGKILL")


def started(pid: int) -> float:
    """Time of a process' start, in seconds since the epoch; 0 if it does not run or is a zombie."""
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
    """Run a command and return its output (stdout and stderr).

    Raises:
        Failure: it failed, and `check` is true.
    """
    result = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
    )
    if check and result.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {result.stdout.strip() or f'exit code {result.returncode}'}")
    return result


def _processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # the process has ended
            continue
        if argv:
            unit = next((value.partition("=")[2] for value in variables if value.startswith(f"{_UNIT}=")), "")
            yield Process(int(entry.name), tuple(argv), unit)


def _namespaces(pid: int) -> tuple[str, str] | None:
    try:
        own = Path("/proc", str(pid), "ns")
        return str((own / "pid").readlink()), str((own / "mnt").readlink())
    except OSError:  # the process has ended, or belongs to another user
        return None
