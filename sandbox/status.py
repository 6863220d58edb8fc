"""The status of the sandbox, as text and as an exit code."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox import cgroups, cluster, daemons, golang, network, node, policies, readiness, users
from sandbox.api import Api, Unreachable
from sandbox.home import Home, home
from sandbox.image import Store
from sandbox.node import Node
from sandbox.report import Failure

_MODULES = {"etcd": golang.ETCD, "calico-felix": golang.CALICO} | dict.fromkeys(
    golang.KUBERNETES.packages, golang.KUBERNETES
)


@dataclass(frozen=True)
class Status:
    """The status: `up` is whether the cluster is ready; `lines` is the text to print."""

    up: bool
    lines: tuple[str, ...]


def status(where: Home | None = None) -> Status:
    """Read the status; nothing is changed.

    Raises:
        Failure: the user is not root, or the machine's sandbox belongs to another home.
    """
    if os.geteuid() != 0:
        raise Failure("only root can see the sandbox's processes")
    where = where or home()
    running_node = cluster.own_node(where)
    lines = [f"home        {where.root}"]
    reason: str | None = "it does not run"
    if running_node is None:
        lines += [f"left over   interface {device}" for device in network.existing()]
        lines += [f"left over   control group {group}" for group in cgroups.existing()]
    else:
        running = daemons.running(running_node)
        lines.append(f"node        process {running_node.pid}, since {_moment(running_node.started)}")
        required = (*daemons.ALL, daemons.FELIX) if policies.enforced(running_node) else daemons.ALL
        for daemon in required:
            pid = running.get(daemon.name)
            since = f"process {pid}, since {_moment(node.started(pid))}" if pid else "does not run"
            lines.append(f"{daemon.name:<23} {_version(daemon):<10} {since}")
        down = [daemon.name for daemon in required if daemon.name not in running]
        reason = f"{', '.join(down)} does not run" if down else _why_not(where, running_node)
    lines += [f"used by     {user.path}, since {_moment(user.since)}" for user in users.read(where)]
    store = Store(where.images)
    for image in store.images():
        lines.append(f"image       {image.name} {_megabytes(sum(part.size for part in store.parts(image)))}")
    for name, path in (("programs", where.bin), ("images", where.images), ("state", where.sandbox)):
        if path.is_dir():
            lines.append(f"size        {name}: {_megabytes(_size(path))} in {path}")
    if reason is None:
        lines.append(f"ready       KUBECONFIG={where.kubeconfig}")
    else:
        lines.append(f"not ready   {reason}; run: python -m sandbox up")
    return Status(reason is None, tuple(lines))


def _why_not(where: Home, running_node: Node) -> str | None:
    try:
        return readiness.why_not(Api(where), running_node)
    except Unreachable as error:
        return str(error)


def _version(daemon: daemons.Daemon) -> str:
    if daemon.name in _MODULES:
        return _MODULES[daemon.name].version
    output = subprocess.run([daemon.argv[0], "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return next((word for word in output.split() if word[:1].isdigit()), "?").partition("~")[0]


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _size(path: Path) -> int:
    """Bytes on disk. `du` is several times as fast as Python."""
    command = ["du", "--summarize", "--one-file-system", "--block-size=1", str(path)]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return int(output.split()[0]) if output else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
