"""The sandbox's network: the node's namespace, connected to the machine by a pair of virtual interfaces.

    machine  flink-k8s0  198.18.0.1 ──── 198.18.0.2  uplink  node ── cni0  pods 198.18.1.0/24, services 198.18.2.0/24

The addresses are in the range that is reserved for benchmarks (RFC 2544), which no real network uses. The machine
reaches the API server, pods and services. The sandbox cannot open connections to the machine or beyond it: it has no
default route, and the node's packet filter rejects packets that would leave by the uplink. The node's own processes
reach services too (the API server calls admission webhooks by their Services).

Changes to the machine outside of the sandbox's folder: the interface `flink-k8s0` with its address and two routes, and
the kernel modules below if they are not loaded yet. Forwarding and packet filter rules are in the node's namespace.
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
# A packet to a service is first routed to the uplink. kube-proxy's rules then rewrite its target and route, but the
# chain OUTPUT still sees the uplink as the interface: so the rules match the target, which is now a pod or the node.
# (They do not match the rewriting itself: an endpoint of a service may be any address, also the machine's.)
_RULES = f"""\
*filter
:{_CHAIN} - [0:0]
-A {_CHAIN} -d {POD_CIDR} -j RETURN
-A {_CHAIN} -d {NODE_IP} -j RETURN
-A {_CHAIN} -j REJECT
COMMIT
"""


def ensure(node: Node) -> None:
    """Create missing interfaces, addresses, routes and rules.

    Raises:
        Failure: the machine has other routes to these addresses, or a command failed.
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
    # Fill the chain atomically, and keep the other chains.
    commands.append(f"iptables-restore --wait --noflush <<'END'\n{_RULES}END")
    node.run("/bin/sh", "-ec", "\n".join(commands))
    for rule in filter_changes(node.run("iptables", "--wait", "-S").stdout.splitlines()):
        node.run("iptables", "--wait", *rule)
    for cidr in (POD_CIDR, SERVICE_CIDR):
        run("ip", "route", "replace", cidr, "via", NODE_IP, "dev", HOST_DEVICE)


def filter_changes(rules: list[str]) -> list[list[str]]:
    """The arguments that add missing and then delete outdated filter rules (lines of `iptables -S`) of the node.

    All rules of OUTPUT and FORWARD with the uplink belong to the sandbox; those of earlier versions are deleted.
    """
    rules_to_have = [
        f"-A {chain} -o {_UPLINK} -m conntrack --ctstate NEW -j {_CHAIN}" for chain in ("OUTPUT", "FORWARD")
    ]
    old = [rule for rule in rules if f"-o {_UPLINK} " in rule and rule not in rules_to_have]
    return [rule.split() for rule in rules_to_have if rule not in rules] + [["-D", *rule.split()[1:]] for rule in old]


def existing() -> list[str]:
    """The existing interfaces of the sandbox on the machine."""
    return [HOST_DEVICE] if _exists(HOST_DEVICE) else []


def remove() -> list[str]:
    """Delete the interface with its addresses, routes and the node's end; returns the deleted interfaces."""
    devices = existing()
    for device in devices:
        with contextlib.suppress(Failure):  # the kernel may be deleting it with the namespace
            run("ip", "link", "delete", device)
    if existing():
        raise Failure(f"cannot remove the interface {HOST_DEVICE}; try: ip link delete {HOST_DEVICE}")
    return devices


def _exists(device: str) -> bool:
    return any(name == device for _, name in socket.if_nameindex())


def _check_free() -> None:
    output = run("ip", "-json", "route", "show", "table", "all", "root", NETWORK).stdout
    for route in cast(list[dict[str, object]], json.loads(output or "[]")):
        where = f"route {route.get('dst')} dev {route.get('dev')}"
        raise Failure(f"the sandbox's network {NETWORK} is in use on this machine: {where}")
