"""Enforce NetworkPolicies (`up --network-policy`) with Calico's felix, and the objects that felix needs.

Felix is the part of Calico that converts policies to packet filter rules. It runs here without the rest: pods get their
addresses from Debian's CNI plugins (`sandbox.configuration`), and Calico's CRDs exist but are not used, except for one
object that reports to felix that its database is ready.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path

from sandbox import configuration
from sandbox.addons import kubectl
from sandbox.daemons import FELIX_PORT
from sandbox.home import Home
from sandbox.network import NODE_IP
from sandbox.node import Node

_GROUP = "crd.projectcalico.org"
_VERSION = "v1"
# The kinds that felix watches: kind, plural, and whether its objects are in namespaces.
_KINDS = (
    ("BGPConfiguration", "bgpconfigurations", False),
    ("BlockAffinity", "blockaffinities", False),
    ("ClusterInformation", "clusterinformations", False),
    ("FelixConfiguration", "felixconfigurations", False),
    ("GlobalNetworkPolicy", "globalnetworkpolicies", False),
    ("GlobalNetworkSet", "globalnetworksets", False),
    ("HostEndpoint", "hostendpoints", False),
    ("IPAMBlock", "ipamblocks", False),
    ("IPPool", "ippools", False),
    ("NetworkPolicy", "networkpolicies", True),
    ("NetworkSet", "networksets", True),
)
# Kubernetes' own kinds that policies refer to.
_READ = (
    ("", ("namespaces", "nodes", "pods", "serviceaccounts", "services")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("networking.k8s.io", ("networkpolicies",)),
    (_GROUP, tuple(plural for _, plural, _ in _KINDS)),
)
_MARK = Path("run/network-policy")
_USER = "calico-felix"


def enforced(node: Node) -> bool:
    """Whether this node enforces NetworkPolicies."""
    return (node.root / _MARK).exists()


def prepare(node: Node) -> None:
    """Prepare a node for NetworkPolicies, before containerd is started in it."""
    node.run("/bin/sh", "-ec", f"{configuration.link_plugins()}\ntouch /{_MARK}")


def manifests() -> str:
    """Felix's permissions, and the CRDs that it watches."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": _USER},
        "rules": [
            {"apiGroups": [group], "resources": list(plurals), "verbs": ["get", "list", "watch"]}
            for group, plurals in _READ
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": _USER}],
    }
    return "".join(f"\n---\n{json.dumps(manifest)}" for manifest in (role, binding, *map(_crd, _KINDS)))


def _crd(kind: tuple[str, str, bool]) -> dict[str, object]:
    name, plural, in_namespaces = kind
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": _VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": name, "listKind": f"{name}List", "plural": plural, "singular": name.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "names": names,
            "scope": "Namespaced" if in_namespaces else "Cluster",
            "versions": [version],
        },
    }


def initialize(home: Home) -> None:
    """Report to felix that its database is ready, as soon as the CRDs are established.

    Raises:
        Failure: the API server refuses the object.
    """
    names = [f"customresourcedefinition/{plural}.{_GROUP}" for _, plural, _ in _KINDS]
    kubectl(home, "wait", "--for=condition=Established", "--timeout=60s", *names)
    information = {
        "apiVersion": f"{_GROUP}/{_VERSION}",
        "kind": "ClusterInformation",
        "metadata": {"name": "default"},
        "spec": {"datastoreReady": True},
    }
    options = ["--server-side", "--force-conflicts", "--field-manager=flink-k8s-sandbox"]
    kubectl(home, "apply", *options, "-f", "-", text=json.dumps(information))


def why_not() -> str | None:
    """Why the policies are not enforced yet; None if they are."""
    try:
        with urllib.request.urlopen(f"http://{NODE_IP}:{FELIX_PORT}/readiness", timeout=2):
            return None
    except urllib.error.HTTPError as error:
        lines = error.read().decode(errors="replace").strip().splitlines()
        return f"calico-felix is not ready: {'; '.join(lines[:8]) or error.reason}"
    except OSError as error:
        return f"calico-felix does not answer: {error}"
