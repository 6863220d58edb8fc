"""Stopping the cluster and taking away what it has on the machine."""

import os
import shutil

from sandbox import cgroups, cluster, daemons, network, users
from sandbox.api import Api, Unreachable
from sandbox.home import Home, home
from sandbox.lock import locked
from sandbox.node import Node
from sandbox.report import Failure, step

_STATE = ("etc", "etcd", "containerd", "kubelet", "volumes", "log", "kubeconfig", "addons", "held.json")


def down(where: Home | None = None, *, purge: bool = False, force: bool = False) -> list[str]:
    """Stops the cluster; returns what was taken away, a line each.

    Containers are killed, as when a machine is switched off. What the cluster holds (objects, images, volumes) stays on
    disk for the next `up`, unless `purge`; what was built stays in any case.

    Raises:
        Failure: another clone's work is in the cluster (unless `force`), or something cannot be removed.
    """
    if os.geteuid() != 0:
        raise Failure("only root can stop the sandbox")
    where = where or home()
    where.sandbox.mkdir(parents=True, exist_ok=True)
    with locked(where.sandbox / "lock", "stop the sandbox"):
        found = cluster.own_node(where)
        work = _work(where, found, force=force)
        refuse(where, found, work, purge=purge, force=force)
        removed: list[str] = []
        if found is not None:
            users.hold(where, work)
            removed += _stop(found)
        # The namespaces took the interface along; only a killed `up` can leave one.
        removed += [f"interface {device}" for device in network.remove()]
        if groups := cgroups.remove():
            removed.append(f"control group {cgroups.ROOT} in {', '.join(group.parent.name for group in groups)}")
        if (where.sandbox / "root").is_dir():
            (where.sandbox / "root").rmdir()
        users.unregister(where)
        if purge:
            removed += _purge(where)
    return removed


def _work(where: Home, found: Node | None, *, force: bool) -> list[str]:
    """The namespaces that users made."""
    if found is None:
        return users.held(where)
    try:
        return users.work(Api(where).namespaces())
    except Unreachable as error:
        if users.others(where) and not force:
            raise Failure(
                f"cannot tell whether the sandbox is in use ({error}): up repairs it, --force stops it"
            ) from None
        return users.held(where)


def refuse(where: Home, found: Node | None, work: list[str], *, purge: bool, force: bool) -> None:
    """Raises Failure when stopping (or purging) would end the work, namespaces, of clones other than this one."""
    others = users.others(where)
    if force or not others or not work or (found is None and not purge):
        return
    clones = ", ".join(str(user.path) for user in others)
    raise Failure(
        f"the sandbox has work (namespaces {', '.join(work)}) and is used by other clones, too: {clones}; "
        "stop it there, or say --force to end their work"
    )


def _stop(found: Node) -> list[str]:
    count = len(found.processes())
    with step("stopping the cluster"):
        running = daemons.stop(found)
    return [
        f"processes: {', '.join(running) or 'no daemon'}, {count} in all besides the pods' containers",
        "namespaces with their mounts, interfaces and packet filter rules",
    ]


def _purge(where: Home) -> list[str]:
    removed: list[str] = []
    with step("removing the cluster's state"):
        for name in _STATE:
            path = where.sandbox / name
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            else:
                continue
            removed.append(str(path))
    return removed
