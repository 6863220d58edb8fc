"""Debian packages that the sandbox needs, installed only when missing.

Touches the machine outside of the sandbox's folder: `apt-get install` of what is missing, nothing else. Where systemd
runs, Debian's containerd package starts a containerd of its own; the sandbox neither uses nor needs it.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from sandbox.report import Failure, say, step

# Never at the price of what the machine has: Debian's containerd and Docker's, say, exclude each other.
_OPTIONS = ("--no-install-recommends", "--no-remove")

PROGRAMS = {
    "busybox": ("busybox",),
    "conntrack": ("conntrack",),
    "containerd": ("containerd",),
    "containernetworking-plugins": ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge"),
    "ethtool": ("ethtool",),
    "iproute2": ("ip",),
    "iptables": ("iptables",),
    "openssl": ("openssl",),
    "procps": ("sysctl",),
    "runc": ("runc",),
    "socat": ("socat",),
    "util-linux": ("nsenter",),
}
"""What the node runs or calls, and kubelet and kube-proxy look for on PATH: Debian's package, and the programs one of
which makes it unnecessary (containerd may have come with Docker's packages)."""

POLICIES = {"ipset": ("ipset",)}
"""The same for a node that enforces NetworkPolicies."""


def missing(packages: Sequence[str]) -> list[str]:
    """Those of the packages that are not installed."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    shown = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def version(package: str) -> str:
    """The version of an installed package, empty when it is not installed."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def install(packages: Sequence[str]) -> None:
    """Installs those packages that are missing.

    Raises:
        Failure: this is no Debian, the user is not root, or apt failed; says what to install by hand.
    """
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise Failure("the sandbox needs Debian or a relative of it: apt-get and dpkg-query are not on PATH")
    wanted = missing(packages)
    if not wanted:
        return
    by_hand = f"install by hand: apt-get install {' '.join(_OPTIONS)} {' '.join(wanted)}"
    if os.geteuid() != 0:
        raise Failure(f"Debian packages are missing and only root can install them; {by_hand}")
    with step(f"installing Debian packages {' '.join(wanted)}"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-q"], ["install", "-q", "-y", *_OPTIONS, *wanted]):
            done = subprocess.run(
                ["apt-get", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                check=False,
            )
            # A failed update matters only when the lists at hand do not have the packages.
            if done.returncode == 0:
                continue
            reason = done.stdout.strip().splitlines()[-1:] or ["it said nothing"]
            if command[0] == "update":
                say(f"apt-get update failed ({reason[0]}); trying with the lists that are there")
            else:
                raise Failure(f"apt-get install failed: {reason[0]}; {by_hand}")
