"""The sandbox's network: the node's namespace, joined to the machine by one pair of virtual interfaces.

    machine  flink-k8s0  198.18.0.1 ──── 198.18.0.2  uplink  node ── cni0  pods 198.18.1.0/24, services 198.18.2.0/24

The addresses are of the range that is set aside for tests between networks (RFC 2544), which no real network uses.
The machine reaches the API server, pods and services; nothing in the sandbox can open a connection to the machine or
beyond it: there is no default route, and the node's packet filter refuses what would leave by the uplink. The node's
own processes reach services, too (the API server calls admission webhooks by theirs).

Touches the machine outside of the sandbox's folder: the interface `flink-k8s0` with its address and two routes, and the
kernel modules below where they are modules and not loaded yet. Forwarding, packet filter rules and all else is the
node's.
"""

import contextlib
import json
import socket
from pathlib import Path
from typing import cast

from sandbox.node import Node, run
from sandbox.report import Failure

HOST_DEVICE = "flink-k8s0"
NETWORK = "198.18.0.0/22"
HOST_IP = "198.18.0.1"
NODE_IP = "198.18.0.2"
POD_CIDR = "198.18.1.0/24"
SERVICE_CIDR = "198.18.2.0/24"
KUBERNETES_IP = "198.18.2.1"
DNS_IP = "198.18.2.10"
DOMAIN = "cluster.local"

_UPLINK = "uplink"
_MODULES = ("overlay", "br_netfilter", "veth", "nf_conntrack", "nf_nat", "xt_comment")
_CHAIN = "SANDBOX-UPLINK"
# A packet to a service is routed by the uplink first. kube-proxy's rules then rewrite its target and with it its route,
# but the chain OUTPUT still sees the uplink as the way out: what tells is the target, by now a pod or the node.
# (That it was rewritten tells nothing: an endpoint of a service may be any address, the machine's, say.)
_RULES = f"""\
*filter
:{_CHAIN} - [0:0]
-A {_CHAIN} -d {POD_CIDR} -j RETURN
-A {_CHAIN} -d {NODE_IP} -j RETURN
-A {_CHAIN} -j REJECT
COMMIT
"""


def ensure(node: Node) -> None:
    """Makes the interfaces, addresses, routes and rules that are missing.

    Raises:
        Failure: something else on the machine has routes to these addresses, or a command failed.
    """
    if not _exists(HOST_DEVICE):
        _check_free()
        if not Path("/proc/sys/net/bridge").exists():
            for module in _MODULES:
                run("modprobe", "--quiet", module, check=False)
        run("ip", "link", "add", HOST_DEVICE, "type", "veth", "peer", "name", _UPLINK, "netns", str(node.pid))
    run("ip", "address", "replace", f"{HOST_IP}/30", "dev", HOST_DEVICE)
    run("ip", "link", "set", HOST_DEVICE, "up")
    commands = [
        "ip link set lo up",
        f"ip address replace {NODE_IP}/30 dev {_UPLINK}",
        f"ip link set {_UPLINK} up",
        # So that the node's own processes have a source address for services; kube-proxy then rewrites the target.
        f"ip route replace {SERVICE_CIDR} dev {_UPLINK} src {NODE_IP}",
        "sysctl --quiet net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1",
    ]
    # Fills the chain in one go and leaves the others alone.
    commands.append(f"iptables-restore --wait --noflush <<'END'\n{_RULES}END")
    node.run("/bin/sh", "-ec", "\n".join(commands))
    for rule in filter_changes(node.run("iptables", "--wait", "-S").stdout.splitlines()):
        node.run("iptables", "--wait", *rule)
    for cidr in (POD_CIDR, SERVICE_CIDR):
        run("ip", "route", "replace", cidr, "via", NODE_IP, "dev", HOST_DEVICE)


def filter_changes(rules: list[str]) -> list[list[str]]:
    """What has to be added to and then deleted from the node's filter rules (lines of `iptables -S`), as arguments.

    All rules of OUTPUT and FORWARD that name the uplink are ours; those of an earlier version go.
    """
    wanted = [f"-A {chain} -o {_UPLINK} -m conntrack --ctstate NEW -j {_CHAIN}" for chain in ("OUTPUT", "FORWARD")]
    old = [rule for rule in rules if f"-o {_UPLINK} " in rule and rule not in wanted]
    return [rule.split() for rule in wanted if rule not in rules] + [["-D", *rule.split()[1:]] for rule in old]


def left() -> list[str]:
    """The interfaces of the sandbox that the machine has."""
    return [HOST_DEVICE] if _exists(HOST_DEVICE) else []


def remove() -> list[str]:
    """Removes the interface, and with it its addresses, routes and the node's end; returns what was removed."""
    found = left()
    for device in found:
        with contextlib.suppress(Failure):  # the namespace's end may be taking it away right now
            run("ip", "link", "delete", device)
    if left():
        raise Failure(f"cannot remove the interface {HOST_DEVICE}; try: ip link delete {HOST_DEVICE}")
    return found


def _exists(device: str) -> bool:
    return any(name == device for _, name in socket.if_nameindex())


def _check_free() -> None:
    shown = run("ip", "-json", "route", "show", "table", "all", "root", NETWORK).stdout
    for route in cast(list[dict[str, object]], json.loads(shown or "[]")):
        where = f"route {route.get('dst')} dev {route.get('dev')}"
        raise Failure(f"the sandbox's network {NETWORK} is in use on this machine: {where}")
