"""Install missing Debian packages that the sandbox needs.

The only change to the machine outside of the sandbox's folder is `apt-get install` of missing packages. With systemd,
Debian's containerd package starts its own containerd, which the sandbox does not use.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from sandbox.report import Failure, say, step

# Never remove packages of the machine: for example, Debian's containerd conflicts with Docker's.
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
"""Programs that the node, kubelet and kube-proxy need: Debian package to programs, one of which makes the package
unnecessary (for example, Docker's packages also contain containerd)."""

POLICIES = {"ipset": ("ipset",)}
"""Further packages for a node that enforces NetworkPolicies."""


def missing(packages: Sequence[str]) -> list[str]:
    """The packages that are not installed."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    output = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    installed = {line.split()[0] for line in output.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def version(package: str) -> str:
    """The version of an installed package; empty if it is not installed."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def install(packages: Sequence[str]) -> None:
    """Install missing packages.

    Raises:
        Failure: the system is not Debian, the user is not root, or apt failed; with the command to run manually.
    """
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise Failure("the sandbox requires Debian or a derivative: apt-get and dpkg-query are not on PATH")
    missing_packages = missing(packages)
    if not missing_packages:
        return
    by_hand = f"install manually: apt-get install {' '.join(_OPTIONS)} {' '.join(missing_packages)}"
    if os.geteuid() != 0:
        raise Failure(f"Debian packages are missing and only root can install them; {by_hand}")
    with step(f"installing Debian packages {' '.join(missing_packages)}"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-q"], ["install", "-q", "-y", *_OPTIONS, *missing_packages]):
            result = subprocess.run(
                ["apt-get", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                check=False,
            )
            # A failed update matters only if the existing lists do not contain the packages.
            if result.returncode == 0:
                continue
            reason = result.stdout.strip().splitlines()[-1:] or ["no output"]
            if command[0] == "update":
                say(f"apt-get update failed ({reason[0]}); trying with the existing lists")
            else:
                raise Failure(f"apt-get install failed: {reason[0]}; {by_hand}")
