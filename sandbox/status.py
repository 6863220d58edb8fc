"""What there is of the sandbox: for people, and as an exit code."""

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
    """`up` tells whether the cluster is ready for work; `lines` is what to show."""

    up: bool
    lines: tuple[str, ...]


def status(where: Home | None = None) -> Status:
    """Looks, and changes nothing.

    Raises:
        Failure: the user is not root, or the machine's sandbox belongs to another home.
    """
    if os.geteuid() != 0:
        raise Failure("only root can see the sandbox's processes")
    where = where or home()
    found = cluster.own_node(where)
    lines = [f"home        {where.root}"]
    why: str | None = "it does not run"
    if found is None:
        lines += [f"left over   interface {device}" for device in network.left()]
        lines += [f"left over   control group {group}" for group in cgroups.left()]
    else:
        running = daemons.running(found)
        lines.append(f"node        process {found.pid}, since {_moment(found.started)}")
        wanted = (*daemons.ALL, daemons.FELIX) if policies.enforced(found) else daemons.ALL
        for daemon in wanted:
            pid = running.get(daemon.name)
            since = f"process {pid}, since {_moment(node.started(pid))}" if pid else "does not run"
            lines.append(f"{daemon.name:<23} {_version(daemon):<10} {since}")
        down = [daemon.name for daemon in wanted if daemon.name not in running]
        why = f"{', '.join(down)} does not run" if down else _why_not(where, found)
    lines += [f"used by     {user.path}, since {_moment(user.since)}" for user in users.read(where)]
    store = Store(where.images)
    for image in store.images():
        lines.append(f"image       {image.name} {_megabytes(sum(part.size for part in store.parts(image)))}")
    for name, path in (("programs", where.bin), ("images", where.images), ("state", where.sandbox)):
        if path.is_dir():
            lines.append(f"size        {name}: {_megabytes(_size(path))} in {path}")
    if why is None:
        lines.append(f"ready       KUBECONFIG={where.kubeconfig}")
    else:
        lines.append(f"not ready   {why}; python -m sandbox up starts or repairs it")
    return Status(why is None, tuple(lines))


def _why_not(where: Home, found: Node) -> str | None:
    try:
        return readiness.why_not(Api(where), found)
    except Unreachable as error:
        return str(error)


def _version(daemon: daemons.Daemon) -> str:
    if daemon.name in _MODULES:
        return _MODULES[daemon.name].version
    shown = subprocess.run([daemon.argv[0], "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return next((word for word in shown.split() if word[:1].isdigit()), "?").partition("~")[0]


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _size(path: Path) -> int:
    """Bytes on disk. `du` reads folders several times as fast as Python."""
    command = ["du", "--summarize", "--one-file-system", "--block-size=1", str(path)]
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return int(shown.split()[0]) if shown else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
