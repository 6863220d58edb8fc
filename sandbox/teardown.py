"""Stop the cluster and revert its changes to the machine."""

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
    """Stop the cluster; returns what was removed, one line each.

    Containers are killed, as when a machine is switched off. The cluster's data (objects, images, volumes) stays on
    disk for the next `up`, unless `purge` is set; builds are always kept.

    Raises:
        Failure: another clone uses the cluster (unless `force` is set), or something cannot be removed.
    """
    if os.geteuid() != 0:
        raise Failure("only root can stop the sandbox")
    where = where or home()
    where.sandbox.mkdir(parents=True, exist_ok=True)
    with locked(where.sandbox / "lock", "stop the sandbox"):
        running_node = cluster.own_node(where)
        work = _work(where, running_node, force=force)
        refuse(where, running_node, work, purge=purge, force=force)
        removed: list[str] = []
        if running_node is not None:
            users.hold(where, work)
            removed += _stop(running_node)
        # The interface was deleted with the namespaces; only a killed `up` can leave one.
        removed += [f"interface {device}" for device in network.remove()]
        if groups := cgroups.remove():
            removed.append(f"control group {cgroups.ROOT} in {', '.join(group.parent.name for group in groups)}")
        if (where.sandbox / "root").is_dir():
            (where.sandbox / "root").rmdir()
        users.unregister(where)
        if purge:
            removed += _purge(where)
    return removed


def _work(where: Home, running_node: Node | None, *, force: bool) -> list[str]:
    """The Kubernetes namespaces that users have created."""
    if running_node is None:
        return users.held(where)
    try:
        return users.work(Api(where).namespaces())
    except Unreachable as error:
        if users.others(where) and not force:
            raise Failure(
                f"cannot check whether the sandbox is in use ({error}); repair it with up, or stop it with --force"
            ) from None
        return users.held(where)


def refuse(where: Home, running_node: Node | None, work: list[str], *, purge: bool, force: bool) -> None:
    """Raise Failure if stopping (or purging) would end the work of other clones, that is, their namespaces."""
    others = users.others(where)
    if force or not others or not work or (running_node is None and not purge):
        return
    clones = ", ".join(str(user.path) for user in others)
    raise Failure(
        f"the sandbox is used by other clones ({clones}) and contains the namespaces {', '.join(work)}; "
        "stop it there, or set --force to end their work"
    )


def _stop(running_node: Node) -> list[str]:
    count = len(running_node.processes())
    with step("stopping the cluster"):
        running = daemons.stop(running_node)
    return [
        f"processes: {', '.join(running) or 'no daemon'}, {count} in total without the pods' containers",
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
