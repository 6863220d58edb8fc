"""Configuration files of the daemons, in `home.etc` (`/etc/kubernetes` in the node), and the kubeconfig of the users.

JSON is YAML, so what Kubernetes wants as YAML is written as JSON.
"""

import base64
import json
import resource
from pathlib import Path

from sandbox import cgroups, golang, network, system_images
from sandbox.home import Home
from sandbox.rootfs import BIN, NODE

ETC = "/etc/kubernetes"
"""The path of `home.etc` in the node."""
CONTEXT = "flink-k8s-sandbox"
"""The kube-context of the sandbox."""
SERVER = f"https://{network.NODE_IP}:6443"
"""The API server, from the machine and from the node."""

LABELS = {"flink-k8s/sandbox": "true", "node": "worker_1"}
"""The node's labels: one that only a sandbox has, and the one of the worker in kind-cluster.yaml."""
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")


PLUGINS = "/run/cni-plugins"
"""The folder of CNI plugins in a node that enforces NetworkPolicies, including the sandbox's own plugin."""


def write(home: Home, *, policies: bool = False) -> None:
    """Write every file that is missing or differs; the certificates must exist.

    Args:
        home: of the sandbox.
        policies: whether the node enforces NetworkPolicies.
    """
    for user in ("controller-manager", "scheduler", "proxy", "kubelet", "felix"):
        _write(home.etc / f"{user}.kubeconfig", _json(kubeconfig(home, user)))
    _write(home.kubeconfig, _json(kubeconfig(home, "admin")))
    _write(home.etc / "containerd.toml", _containerd(PLUGINS if policies else _cni_folder()))
    _write(home.etc / "cni" / "bridge.conflist", _json(_pod_network(policies=policies)))
    _write(home.etc / "kubelet.yaml", _json(kubelet()))
    _write(home.etc / "kube-proxy.yaml", _json(_kube_proxy()))


def kubeconfig(home: Home, user: str) -> dict[str, object]:
    """The kubeconfig of a user with a certificate."""

    def data(name: str) -> str:
        return base64.b64encode((home.etc / "pki" / name).read_bytes()).decode()

    cluster = {"server": SERVER, "certificate-authority-data": data("ca.crt")}
    credentials = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": f"{CONTEXT}-{user}", "user": credentials}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": f"{CONTEXT}-{user}"}}],
        "current-context": CONTEXT,
    }


def _cni_folder() -> str:
    return next((folder for folder in _CNI_FOLDERS if Path(folder, "bridge").exists()), _CNI_FOLDERS[0])


def link_plugins() -> str:
    """Shell commands that link Debian's CNI plugins and the sandbox's own into `PLUGINS`, inside the node."""
    own = f"{BIN}/{golang.CALICO.programs(Home(Path())).name}/veth-name"
    return f"mkdir -p {PLUGINS}\nln -sfn {_cni_folder()}/* {own} {PLUGINS}/"


def _containerd(cni: str) -> str:
    return f"""\
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp"]
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{system_images.name(golang.PAUSE)}"
  # Root in a container can lack CAP_SYS_RESOURCE, and cannot lower the score of a process then.
  restrict_oom_score_adj = true
  # A profile would be loaded into the machine's kernel and stay there.
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{cni}"
  conf_dir = "{ETC}/cni"
"""


def _pod_network(*, policies: bool) -> dict[str, object]:
    """The CNI configuration of pods.

    By default all pods are on one bridge. NetworkPolicies are enforced by the interface of a packet: then each pod has
    its own veth pair, the node routes between the pairs, and the interface names identify the pods.
    """
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni",  # a node that starts has no pods, so no addresses are taken
        "ranges": [[{"subnet": network.POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    if policies:
        plugins = [{"type": "ptp", "ipam": addresses}, ports, {"type": "veth-name"}]
    else:
        bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
        plugins = [bridge, ports]
    return {"cniVersion": "1.0.0", "name": "sandbox", "plugins": plugins}


def kubelet() -> dict[str, object]:
    """The kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.NODE_IP,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{ETC}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{ETC}/pki/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{ETC}/pki/kubelet-server.key",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.ROOT}",
        "failCgroupV1": False,
        "failSwapOn": False,
        # Without CAP_SYS_RESOURCE the kubelet may not raise the hard limit.
        "maxOpenFiles": min(1_000_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "makeIPTablesUtilChains": False,  # kube-proxy's are enough
        "clusterDNS": [network.DNS_IP],
        "clusterDomain": network.DOMAIN,
        "resolvConf": "/etc/resolv.conf",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        # No registry exists: a garbage-collected image cannot be pulled again, and an evicted pod cannot be restarted.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "500Mi", "imagefs.available": "500Mi"},
    }


def _kube_proxy() -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{ETC}/proxy.kubeconfig"},
        "hostnameOverride": NODE,
        "mode": "iptables",
        "clusterCIDR": network.POD_CIDR,
        "healthzBindAddress": f"{network.NODE_IP}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "iptables": {"localhostNodePorts": False, "minSyncPeriod": "0s"},
        # 0: keep the limits of the machine's connection table.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)
