"""The daemons of the node: their arguments, and the start of daemons that do not run or have changed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang
from sandbox.configuration import ETC, LABELS
from sandbox.home import Home
from sandbox.network import DOMAIN, NODE_IP, POD_CIDR, SERVICE_CIDR
from sandbox.node import Node, end
from sandbox.rootfs import BIN, NODE

_PKI = f"{ETC}/pki"
_LOG_BYTES = 16 << 20  # a longer log is renamed to <name>.log.1 when its daemon starts


@dataclass(frozen=True)
class Daemon:
    """A daemon: name of its program, argv, and the files of `home.etc` that it reads only at its start."""

    name: str
    argv: tuple[str, ...]
    files: tuple[str, ...] = ()

    def unit(self, home: Home) -> str:
        """An ID that changes with the arguments and the files; a daemon that runs with another ID is outdated."""
        digest = hashlib.sha256(repr(self.argv).encode())
        for file in (*self.files, "pki/ca.crt"):
            digest.update((home.etc / file).read_bytes())
        return f"{self.name}-{digest.hexdigest()[:12]}"


def _flags(**flags: str | None) -> tuple[str, ...]:
    """`--some-flag=value` for some_flag="value", `--some-flag` for None."""
    dashed = ((name.replace("_", "-"), value) for name, value in flags.items())
    return tuple(f"--{name}" if value is None else f"--{name}={value}" for name, value in dashed)


def _built(module: golang.Module, name: str) -> str:
    return f"{BIN}/{module.programs(Home(Path())).name}/{name}"


def _etcd() -> Daemon:
    flags = _flags(
        data_dir="/var/lib/etcd",
        listen_client_urls="https://127.0.0.1:2379",
        advertise_client_urls="https://127.0.0.1:2379",
        listen_peer_urls="https://127.0.0.1:2380",
        initial_advertise_peer_urls="https://127.0.0.1:2380",
        initial_cluster="default=https://127.0.0.1:2380",
        cert_file=f"{_PKI}/etcd.crt",
        key_file=f"{_PKI}/etcd.key",
        trusted_ca_file=f"{_PKI}/etcd-ca.crt",
        client_cert_auth=None,
        peer_cert_file=f"{_PKI}/etcd.crt",
        peer_key_file=f"{_PKI}/etcd.key",
        peer_trusted_ca_file=f"{_PKI}/etcd-ca.crt",
        peer_client_cert_auth=None,
    )
    return Daemon("etcd", (_built(golang.ETCD, "etcd"), *flags))


def _apiserver() -> Daemon:
    flags = _flags(
        advertise_address=NODE_IP,
        secure_port="6443",
        etcd_servers="https://127.0.0.1:2379",
        etcd_cafile=f"{_PKI}/etcd-ca.crt",
        etcd_certfile=f"{_PKI}/etcd.crt",
        etcd_keyfile=f"{_PKI}/etcd.key",
        client_ca_file=f"{_PKI}/ca.crt",
        tls_cert_file=f"{_PKI}/apiserver.crt",
        tls_private_key_file=f"{_PKI}/apiserver.key",
        kubelet_certificate_authority=f"{_PKI}/ca.crt",
        kubelet_client_certificate=f"{_PKI}/apiserver-kubelet-client.crt",
        kubelet_client_key=f"{_PKI}/apiserver-kubelet-client.key",
        kubelet_preferred_address_types="InternalIP",
        requestheader_client_ca_file=f"{_PKI}/front-proxy-ca.crt",
        requestheader_allowed_names="front-proxy-client",
        requestheader_username_headers="X-Remote-User",
        requestheader_group_headers="X-Remote-Group",
        requestheader_extra_headers_prefix="X-Remote-Extra-",
        proxy_client_cert_file=f"{_PKI}/front-proxy-client.crt",
        proxy_client_key_file=f"{_PKI}/front-proxy-client.key",
        service_account_issuer=f"https://kubernetes.default.svc.{DOMAIN}",
        service_account_key_file=f"{_PKI}/service-account.pub",
        service_account_signing_key_file=f"{_PKI}/service-account.key",
        service_cluster_ip_range=SERVICE_CIDR,
        authorization_mode="Node,RBAC",
        enable_admission_plugins="NodeRestriction",  # in addition to the default ones, such as PodSecurity
        allow_privileged=None,
    )
    return Daemon("kube-apiserver", (_built(golang.KUBERNETES, "kube-apiserver"), *flags))


def _controller_manager() -> Daemon:
    flags = _flags(
        kubeconfig=f"{ETC}/controller-manager.kubeconfig",
        bind_address="127.0.0.1",
        leader_elect="false",
        use_service_account_credentials=None,
        service_account_private_key_file=f"{_PKI}/service-account.key",
        root_ca_file=f"{_PKI}/ca.crt",
        cluster_signing_cert_file=f"{_PKI}/ca.crt",
        cluster_signing_key_file=f"{_PKI}/ca.key",
        allocate_node_cidrs=None,
        flex_volume_plugin_dir="/var/lib/kubelet/volume-plugins",
        cluster_cidr=POD_CIDR,
        service_cluster_ip_range=SERVICE_CIDR,
    )
    name = "kube-controller-manager"
    return Daemon(name, (_built(golang.KUBERNETES, name), *flags), ("controller-manager.kubeconfig",))


def _scheduler() -> Daemon:
    flags = _flags(kubeconfig=f"{ETC}/scheduler.kubeconfig", bind_address="127.0.0.1", leader_elect="false")
    return Daemon("kube-scheduler", (_built(golang.KUBERNETES, "kube-scheduler"), *flags), ("scheduler.kubeconfig",))


def _kubelet() -> Daemon:
    flags = _flags(
        config=f"{ETC}/kubelet.yaml",
        kubeconfig=f"{ETC}/kubelet.kubeconfig",
        root_dir="/var/lib/kubelet",
        hostname_override=NODE,
        node_ip=NODE_IP,
        node_labels=",".join(f"{name}={value}" for name, value in LABELS.items()),
    )
    files = ("kubelet.yaml", "kubelet.kubeconfig")
    return Daemon("kubelet", (_built(golang.KUBERNETES, "kubelet"), *flags), files)


def _kube_proxy() -> Daemon:
    flags = _flags(config=f"{ETC}/kube-proxy.yaml")
    files = ("kube-proxy.yaml", "proxy.kubeconfig")
    return Daemon("kube-proxy", (_built(golang.KUBERNETES, "kube-proxy"), *flags), files)


def _containerd() -> Daemon:
    files = ("containerd.toml", "cni/bridge.conflist")
    return Daemon("containerd", ("/usr/bin/containerd", *_flags(config=f"{ETC}/containerd.toml")), files)


def _felix() -> Daemon:
    # All that it does here is to enforce policies: addresses and routes are the CNI plugins', the rest is off.
    settings = {
        "DATASTORETYPE": "kubernetes",
        "FELIXHOSTNAME": NODE,
        "IPTABLESBACKEND": "NFT",
        # What a policy allows still has to pass the node's own rules, those of its uplink among them.
        "IPTABLESFILTERALLOWACTION": "RETURN",
        "DEFAULTENDPOINTTOHOSTACTION": "RETURN",
        "HEALTHENABLED": "true",
        "HEALTHHOST": NODE_IP,
        "HEALTHPORT": str(FELIX_PORT),
        "LOGSEVERITYSCREEN": "Warning",
        "LOGFILEPATH": "none",
        "LOGSEVERITYFILE": "none",
        "LOGSEVERITYSYS": "none",
        **dict.fromkeys(("IPV6SUPPORT", "IPINIPENABLED", "VXLANENABLED", "WIREGUARDENABLED"), "false"),
        **dict.fromkeys(("BPFENABLED", "XDPENABLED", "USAGEREPORTINGENABLED", "PROMETHEUSMETRICSENABLED"), "false"),
        "MTUIFACEPATTERN": "^uplink$",
    }
    variables = (f"KUBECONFIG={ETC}/felix.kubeconfig", *(f"FELIX_{name}={value}" for name, value in settings.items()))
    program = _built(golang.CALICO, "calico-felix")
    return Daemon("calico-felix", ("/usr/bin/env", *variables, program, "-c", "/dev/null"), ("felix.kubeconfig",))


FELIX_PORT = 9099
"""Port of calico-felix's readiness probe."""

BASE = (_etcd(), _containerd(), _apiserver())
"""Daemons that the others need."""
REST = (_controller_manager(), _scheduler(), _kubelet(), _kube_proxy())
"""Daemons that need the API server."""
ALL = (*BASE, *REST)
FELIX = _felix()
"""The daemon that enforces NetworkPolicies."""


def running(node: Node) -> dict[str, int]:
    """Process ID of each running daemon, by name."""
    names = {daemon.name for daemon in (*ALL, FELIX)}
    return {process.program: process.pid for process in node.processes() if process.program in names and process.unit}


def ensure(home: Home, node: Node, daemons: Iterable[Daemon]) -> list[str]:
    """Start daemons that do not run, and restart those with outdated arguments; returns their names."""
    processes = {process.program: process for process in node.processes() if process.unit}
    begun: list[str] = []
    for daemon in daemons:
        unit = daemon.unit(home)
        process = processes.get(daemon.name)
        if process is not None and process.unit == unit:
            continue
        if process is not None:
            end(process.pid, 5)
        _rotate(log(home, daemon.name))
        node.start(daemon.argv, unit, f"/var/log/{daemon.name}.log")
        begun.append(daemon.name)
    return begun


def stop(node: Node) -> list[str]:
    """Stop the node with all its processes; returns the names of the daemons that ran."""
    processes = running(node)
    # Kubelet and API server first, so that no pod or request starts; then containerd and etcd close their files.
    for name, seconds in (("kubelet", 0.0), ("kube-apiserver", 0.0), ("containerd", 3.0), ("etcd", 3.0)):
        if name in processes:
            end(processes[name], seconds)
    end(node.pid, 0)
    return sorted(processes)


def log(home: Home, name: str) -> Path:
    """The path of a daemon's log."""
    return home.log / f"{name}.log"


def last_words(home: Home, name: str, lines: int = 8) -> str:
    """The end of a daemon's log."""
    try:
        return "\n".join(log(home, name).read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


def _rotate(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
