"""Start the cluster: build missing parts, start daemons that do not run, wait until it is ready.

Changes to the machine outside of `$FLINK_K8S_HOME`: Debian packages and Go's caches when it builds (`sandbox.debian`,
`sandbox.golang`), one interface with two routes (`sandbox.network`), one control group (`sandbox.cgroups`), processes
in separate namespaces (`sandbox.node`), and in the clone the link `.sandbox`. `sandbox.teardown` reverts all but the
first two. If the sandbox builds Pulumi, it adds a link to its provider in `~/.pulumi/plugins` (`sandbox.engine`), which
also stays.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sandbox import (
    addons,
    building,
    cgroups,
    configuration,
    containerd,
    daemons,
    network,
    node,
    pki,
    policies,
    readiness,
    rootfs,
    users,
)
from sandbox.api import Api
from sandbox.home import PROJECT, Home, home
from sandbox.image import Image, Store
from sandbox.lock import locked
from sandbox.node import Node
from sandbox.report import Failure, say, step
from sandbox.system_images import BUSYBOX


def up(
    where: Home | None = None,
    operators: Sequence[str] = (),
    *,
    cert_manager: bool = False,
    prometheus: bool = False,
    logging: bool = False,
    kafka: bool = False,
    network_policy: bool = False,
) -> bool:
    """Build missing parts, start daemons that do not run, and wait until the cluster is ready; whether it changed.

    `operators`, `cert_manager`, `prometheus`, `logging` and `kafka` select what is built, see `sandbox.building.build`;
    all images of the store are imported into the cluster. `network_policy` enforces NetworkPolicies until the cluster
    is stopped; a node without enforcement is restarted. Registers this clone as a user of the sandbox and links
    `.sandbox` to the sandbox's folder.

    Raises:
        Failure: a part cannot be built or started or does not become ready; with the reason and the remedy.
    """
    if os.geteuid() != 0:
        raise Failure("only root can start the sandbox: it needs namespaces, mounts and interfaces")
    where = where or home()
    running = own_node(where)
    network_policy = network_policy or (running is not None and policies.enforced(running))
    building.build(
        where,
        operators,
        cert_manager=cert_manager,
        prometheus=prometheus,
        logging=logging,
        kafka=kafka,
        policies=network_policy,
    )
    with locked(where.sandbox / "lock", "start the sandbox"):
        users.register(where)
        begun = _start(where, network_policy=network_policy)
        _link(where)
    say(f"the cluster {'is up' if begun else 'was up already'}: kubeconfig {where.kubeconfig}")
    return begun


def own_node(where: Home) -> Node | None:
    """The node of this home; None if it does not run.

    Raises:
        Failure: the machine's sandbox belongs to another home.
    """
    existing_node = node.find()
    if existing_node is not None and existing_node.home != where.root:
        raise Failure(
            f"a sandbox of {existing_node.home} runs on this machine, and there can be only one: "
            f"set FLINK_K8S_HOME={existing_node.home} to use it or to stop it"
        )
    return existing_node


def _start(where: Home, *, network_policy: bool) -> bool:
    existing_node = own_node(where)
    if existing_node is not None and not _same_folders(existing_node, where):
        say("the sandbox's folder was deleted while the node was running: starting a new node")
        node.end(existing_node.pid, 0)
        existing_node = None
    if existing_node is not None and network_policy and not policies.enforced(existing_node):
        with step("restarting the node to enforce NetworkPolicies"):
            daemons.stop(existing_node)
        existing_node = None
    running = existing_node or _boot(where)
    pki.ensure(where.etc / "pki")
    configuration.write(where, policies=network_policy)
    network.ensure(running)
    if network_policy:
        policies.prepare(running)
    begun = daemons.ensure(where, running, daemons.BASE)
    store = Store(where.images)
    system, others = _sorted(store.images())
    api, wait = Api(where), readiness.Wait(where, running)
    wait.until("containerd answers", lambda: containerd.why_not(running), 30, daemons.BASE)
    with ThreadPoolExecutor(1) as pool:
        # Import the large images while the rest starts.
        first = pool.submit(containerd.import_images, running, store, system)
        rest = pool.submit(containerd.import_images, running, store, others)
        wait.until("the API server is ready", api.why_not, 120, daemons.BASE)
        first.result()
        begun += daemons.ensure(where, running, daemons.REST)
        applied = addons.ensure(where, api, policies.manifests() if network_policy else "")
        if network_policy:
            policies.initialize(where)
            begun += daemons.ensure(where, running, [daemons.FELIX])
            wait.until("NetworkPolicies are enforced", policies.why_not, 60, (*daemons.ALL, daemons.FELIX))
        wait.until("the cluster is ready", lambda: readiness.why_not(api, running), 180, daemons.ALL)
        addons.label(where, api)
        imported = first.result() + rest.result()
    users.release(where)
    return bool(existing_node is None or begun or applied or imported or wait.restarted)


def _same_folders(existing_node: Node, where: Home) -> bool:
    """Whether the node still uses the home's folders: a deleted folder stays mounted in the node."""
    try:
        return all(inside.samefile(outside) for inside, outside in rootfs.mounted(existing_node.root, where))
    except FileNotFoundError:
        return False


def _boot(where: Home) -> Node:
    # Delete the remains of a killed node: the kernel may still be deleting its end of the interfaces.
    network.remove()
    cgroups.remove()
    with step("starting the node's namespaces"):
        return node.start(where)


def _sorted(images: list[Image]) -> tuple[list[Image], list[Image]]:
    """The images that the cluster itself needs, and the others."""
    system = [image for image in images if image.name.startswith("sandbox.local/") or image.name == BUSYBOX]
    return system, [image for image in images if image not in system]


def _link(where: Home) -> None:
    link = PROJECT / ".sandbox"
    if link.is_symlink() and link.readlink() == where.sandbox:
        return
    if link.exists() and not link.is_symlink():
        raise Failure(f"{link} exists, but must be a link to {where.sandbox}; move it")
    link.unlink(missing_ok=True)
    link.symlink_to(where.sandbox)
