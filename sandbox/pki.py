"""Keys and certificates of the cluster, created with openssl once and kept until the sandbox is purged.

They are in `home.etc/pki`, readable for root only, and valid only in this cluster, whose addresses no other machine can
reach.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox.network import DOMAIN, KUBERNETES_IP, NODE_IP
from sandbox.node import run
from sandbox.rootfs import NODE

_DAYS = "3650"
_OPENSSL = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
"""
_KUBERNETES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}")


@dataclass(frozen=True)
class _Certificate:
    name: str
    authority: str
    subject: str
    names: tuple[str, ...] = ()
    usage: str = "clientAuth"


def _names(hosts: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"DNS:{host}" for host in hosts), *(f"IP:{address}" for address in addresses))


_AUTHORITIES = ("ca", "front-proxy-ca", "etcd-ca")
_CERTIFICATES = (
    _Certificate(
        "apiserver",
        "ca",
        "/CN=kube-apiserver",
        _names((*_KUBERNETES, "localhost"), ("127.0.0.1", NODE_IP, KUBERNETES_IP)),
        "serverAuth",
    ),
    _Certificate(
        "kubelet-server", "ca", f"/O=system:nodes/CN=system:node:{NODE}", _names((NODE,), (NODE_IP,)), "serverAuth"
    ),
    _Certificate("apiserver-kubelet-client", "ca", "/CN=apiserver-kubelet-client"),
    _Certificate("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client"),
    _Certificate("etcd", "etcd-ca", "/CN=etcd", _names(("localhost",), ("127.0.0.1",)), "serverAuth,clientAuth"),
    _Certificate("kubelet", "ca", f"/O=system:nodes/CN=system:node:{NODE}"),
    _Certificate("controller-manager", "ca", "/CN=system:kube-controller-manager"),
    _Certificate("scheduler", "ca", "/CN=system:kube-scheduler"),
    _Certificate("proxy", "ca", "/CN=system:kube-proxy"),
    _Certificate("felix", "ca", "/CN=calico-felix"),
    _Certificate("admin", "ca", "/O=system:masters/CN=admin"),
)


def ensure(folder: Path) -> None:
    """Create all keys and certificates, or the certificates that a sandbox of an earlier version does not have."""
    if folder.is_dir():
        for entry in _CERTIFICATES:
            if not (folder / f"{entry.name}.crt").exists():
                _issue(folder, entry)
        return
    part = folder.with_name(".part-pki")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    config = part / "openssl.cnf"
    config.write_text(_OPENSSL)
    for authority in _AUTHORITIES:
        _make(part, authority, f"/CN={authority}", "-extensions", "ca")
    for entry in _CERTIFICATES:
        _issue(part, entry)
    key = part / "service-account.key"
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
    run("openssl", "ec", "-in", str(key), "-pubout", "-out", str(part / "service-account.pub"))
    for file in part.iterdir():
        file.chmod(0o600)
    part.rename(folder)


def _issue(folder: Path, entry: _Certificate) -> None:
    more = ["-extensions", "leaf", "-addext", f"extendedKeyUsage={entry.usage}"]
    more += ["-CA", str(folder / f"{entry.authority}.crt"), "-CAkey", str(folder / f"{entry.authority}.key")]
    if entry.names:
        more += ["-addext", f"subjectAltName={','.join(entry.names)}"]
    _make(folder, entry.name, entry.subject, *more)


def _make(folder: Path, name: str, subject: str, *more: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    command += ["-config", str(folder / "openssl.cnf"), "-days", _DAYS, "-subj", subject]
    command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    run(*command, *more)
    (folder / f"{name}.key").chmod(0o600)
