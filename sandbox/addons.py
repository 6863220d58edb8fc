"""What runs in the cluster from the start: DNS and the default StorageClass (`sandbox/manifests`)."""

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
    """The manifests, filled in."""
    values = {
        "domain": network.DOMAIN,
        "dns_ip": network.DNS_IP,
        "coredns": system_images.name(golang.COREDNS),
        "local_path": system_images.name(golang.LOCAL_PATH),
        "busybox": system_images.BUSYBOX,
    }
    return "---\n".join(Template(path.read_text()).substitute(values) for path in sorted(MANIFESTS.glob("*.yaml")))


def ensure(home: Home, api: Api, more: str = "") -> bool:
    """Applies the manifests unless this version of them was applied and is there; returns whether it had to.

    Args:
        home: of the sandbox.
        api: the API server.
        more: manifests of parts that not every node has.

    Raises:
        Failure: the API server did not take them.
    """
    manifests = text() + more
    digest = hashlib.sha256(manifests.encode()).hexdigest()
    record = home.sandbox / "addons"
    if record.exists() and record.read_text() == digest and _there(api):
        return False
    options = ["--server-side", "--force-conflicts", "--field-manager=flink-k8s-sandbox"]
    kubectl(home, "apply", *options, "-f", "-", text=manifests)
    record.write_text(digest)
    return True


def label(home: Home, api: Api) -> None:
    """Gives the node those labels that it lacks: the kubelet sets them only when the node is new."""
    metadata = cast(dict[str, dict[str, str]], api.get(f"/api/v1/nodes/{NODE}")["metadata"])
    wanted = [f"{name}={value}" for name, value in LABELS.items() if metadata["labels"].get(name) != value]
    if wanted:
        kubectl(home, "label", "node", NODE, "--overwrite", *wanted)


def kubectl(home: Home, *arguments: str, text: str = "") -> None:
    """Runs kubectl as the sandbox's administrator.

    Raises:
        Failure: with what it said.
    """
    command = [str(golang.KUBERNETES.program(home, "kubectl")), "--kubeconfig", str(home.kubeconfig), *arguments]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"kubectl {arguments[0]} failed on the sandbox: {done.stdout.strip()}")


def _there(api: Api) -> bool:
    try:
        for namespace, deployment in DEPLOYMENTS.items():
            api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
        api.get("/apis/storage.k8s.io/v1/storageclasses/local-path")
    except Unreachable:
        return False
    return True
