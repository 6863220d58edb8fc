"""The add-ons of every cluster: DNS and the default StorageClass (`sandbox/manifests`)."""

import hashlib
import subprocess
from pathlib import Path
from string import Template
from typing import cast

from sandbox import golang, network, system_images
from sandbox.api import Api, Unreachable
from sandbox.configuration import LABELS
from sandbox.home import Home
from sandbox.report import Failure
from sandbox.rootfs import NODE

MANIFESTS = Path(__file__).resolve().parent / "manifests"
DEPLOYMENTS = {"kube-system": "coredns", "local-path-storage": "local-path-provisioner"}
"""Name of the addons' deployments by namespace."""


def text() -> str:
    """The manifests with their values."""
    values = {
        "domain": network.DOMAIN,
        "dns_ip": network.DNS_IP,
        "coredns": system_images.name(golang.COREDNS),
        "local_path": system_images.name(golang.LOCAL_PATH),
        "busybox": system_images.BUSYBOX,
    }
    return "---\n".join(Template(path.read_text()).substitute(values) for path in sorted(MANIFESTS.glob("*.yaml")))


def ensure(home: Home, api: Api, more: str = "") -> bool:
    """Apply the manifests unless this version is deployed already; returns whether they were applied.

    Args:
        home: of the sandbox.
        api: the API server.
        more: manifests of optional parts.

    Raises:
        Failure: the API server refuses them.
    """
    manifests = text() + more
    digest = hashlib.sha256(manifests.encode()).hexdigest()
    record = home.sandbox / "addons"
    if record.exists() and record.read_text() == digest and _is_deployed(api):
        return False
    options = ["--server-side", "--force-conflicts", "--field-manager=flink-k8s-sandbox"]
    kubectl(home, "apply", *options, "-f", "-", text=manifests)
    record.write_text(digest)
    return True


def label(home: Home, api: Api) -> None:
    """Add missing labels to the node: the kubelet sets labels only on a new node."""
    metadata = cast(dict[str, dict[str, str]], api.get(f"/api/v1/nodes/{NODE}")["metadata"])
    missing = [f"{name}={value}" for name, value in LABELS.items() if metadata["labels"].get(name) != value]
    if missing:
        kubectl(home, "label", "node", NODE, "--overwrite", *missing)


def kubectl(home: Home, *arguments: str, text: str = "") -> None:
    """Run kubectl as the sandbox's administrator.

    Raises:
        Failure: with kubectl's error.
    """
    command = [str(golang.KUBERNETES.program(home, "kubectl")), "--kubeconfig", str(home.kubeconfig), *arguments]
    result = subprocess.run(
        command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode != 0:
        raise Failure(f"kubectl {arguments[0]} failed on the sandbox: {result.stdout.strip()}")


def _is_deployed(api: Api) -> bool:
    try:
        for namespace, deployment in DEPLOYMENTS.items():
            api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
        api.get("/apis/storage.k8s.io/v1/storageclasses/local-path")
    except Unreachable:
        return False
    return True
