"""The sandbox's folder: `$FLINK_K8S_HOME`, by default `~/.cache/flink-k8s`, shared by all clones of a user.

bin/<module>-<key>/      programs built from Go modules; bin/<program> are links to those in use
operator/<v>-<key>/      jars of an operator version
work/, log/              working folders of image builds, and the logs of their programs
images/                  image layers and images, see `sandbox.image`
tools/                   a Go toolchain, if the machine's own is missing or too old
lock                     held while something is built, see `sandbox.lock`
sandbox/                 the cluster: kubeconfig, charts/, and its state:
  kubeconfig, charts/, users.json, held.json, lock
  etc/                   certificates and configuration of the daemons
  etcd/ containerd/ kubelet/ volumes/ log/
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The clone that this code runs from."""


@dataclass(frozen=True)
class Home:
    """The folder of builds and of the sandbox's state."""

    root: Path

    @property
    def bin(self) -> Path:
        """Built programs."""
        return self.root / "bin"

    @property
    def images(self) -> Path:
        """The image store (`sandbox.image.Store`)."""
        return self.root / "images"

    @property
    def tools(self) -> Path:
        """Build tools that the machine does not have."""
        return self.root / "tools"

    @property
    def lock(self) -> Path:
        """The build lock."""
        return self.root / "lock"

    @property
    def sandbox(self) -> Path:
        """The cluster's own folder; `.sandbox` in a clone is a link to it."""
        return self.root / "sandbox"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; its only context is `flink-k8s-sandbox`."""
        return self.sandbox / "kubeconfig"

    @property
    def charts(self) -> Path:
        """Packed Helm charts of the sandbox."""
        return self.sandbox / "charts"

    @property
    def etc(self) -> Path:
        """Certificates and configuration of the daemons; `/etc/kubernetes` in the node."""
        return self.sandbox / "etc"

    @property
    def log(self) -> Path:
        """Logs of the daemons and the pods; `/var/log` in the node."""
        return self.sandbox / "log"


def home() -> Home:
    """The home that the environment sets."""
    named = os.environ.get("FLINK_K8S_HOME")
    return Home(Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "flink-k8s")
