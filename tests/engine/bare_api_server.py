"""An API server without nodes and operator; its CRDs of Flink accept any field. It stores and deletes objects."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from flink_k8s.facts.kinds import FLINK_GROUP, FLINK_VERSION, FlinkKind
from flink_k8s.support.kubectl import Kubectl
from sandbox import golang
from sandbox.home import Home
from sandbox.lock import locked
from tests.waiting import until

CONTEXT = "bare"
_TOKEN = "bare-token"
_PLUGINS = "ServiceAccount,StorageObjectInUseProtection"
"""Admission plugins that need a controller, or delay deletions until one acts."""

_CONTROLLERS = ("garbage-collector-controller", "namespace-controller")
"""Controllers that end deletions."""


@contextmanager
def bare_api_server(home: Home, folder: Path, controllers: Sequence[str] = ()) -> Generator[Path]:
    """Runs etcd, kube-apiserver and the controllers of deletions on free ports of loopback.

    Args:
        home: of the built programs.
        folder: for their data.
        controllers: more controllers of Kubernetes.

    Yields:
        The kubeconfig; its only context is `bare`.
    """
    with locked(home.lock, "build the API server"):
        golang.build(home, (golang.ETCD, golang.KUBERNETES))
    client, peer, port = _free_port(), _free_port(), _free_port()
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{_TOKEN},admin,admin,"system:masters"\n')
    etcd = [
        *(str(home.bin / "etcd"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"),
        *(f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}"),
        *(f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    ]
    server = [
        *(str(home.bin / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{client}", f"--secure-port={port}"),
        *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"),
        *(f"--cert-dir={folder / 'certificates'}", f"--token-auth-file={folder / 'tokens.csv'}"),
        *("--authorization-mode=RBAC", f"--disable-admission-plugins={_PLUGINS}"),
        *("--service-cluster-ip-range=10.0.0.0/16", "--service-account-issuer=https://bare"),
        *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
    ]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(f"https://127.0.0.1:{port}")))
    kubectl = Kubectl(str(home.bin / "kubectl"), CONTEXT, kubeconfig)
    crds = {"apiVersion": "v1", "kind": "List", "items": _crds()}
    with ExitStack() as running:
        running.enter_context(_daemon(etcd, folder / "etcd.log", lambda: _answers(f"http://127.0.0.1:{client}/health")))
        running.enter_context(_daemon(server, folder / "apiserver.log", lambda: _is_ready(kubectl)))
        manager = [str(home.bin / "kube-controller-manager"), f"--kubeconfig={kubeconfig}", "--secure-port=0"]
        manager += [f"--controllers={','.join((*_CONTROLLERS, *controllers))}", "--leader-elect=false"]
        running.enter_context(_daemon(manager, folder / "controllers.log", lambda: True))
        kubectl.run("apply", "-f", "-", stdin=json.dumps(crds).encode())
        for kind in FlinkKind:
            kubectl.run("wait", "--for=condition=Established", f"crd/{kind.resource}", "--timeout=60s")
        yield kubeconfig


@contextmanager
def _daemon(command: list[str], log: Path, is_ready: Callable[[], bool]) -> Generator[None]:
    """Runs a program, and waits until it is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)

    def has_started() -> bool:
        assert process.poll() is None, f"{command[0]} has ended: {log.read_text()[-2000:]}"
        return is_ready()

    try:
        until(f"{command[0]} is ready", has_started, state=lambda: log.read_text()[-2000:])
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _is_ready(kubectl: Kubectl) -> bool:
    return kubectl.try_run("get", "--raw=/readyz").returncode == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": CONTEXT, "user": {"token": _TOKEN}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def _crds() -> list[dict[str, Any]]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": FLINK_VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
        "subresources": {"status": {}},
    }
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": kind.resource},
            "spec": {
                "group": FLINK_GROUP,
                "scope": "Namespaced",
                "names": {"kind": kind.value, "plural": kind.plural, "singular": kind.value.lower()},
                "versions": [version],
            },
        }
        for kind in FlinkKind
    ]
