"""The cluster on this machine: kind where a Docker daemon answers, else the sandbox.

python -m tools.cluster up|image|down
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Protocol

from tools.run import ROOT, capture, finish, must, program, say
from tools.stack import Stack, prepare

KIND_NAME = "flink"
IMAGE = "pyflink:dev"


class Cluster(Protocol):
    """A cluster on this machine that a stack is for."""

    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def stack(self) -> str:
        """The stack whose config fits it."""
        ...

    def up(self, stack: Stack) -> None:
        """Starts it, or finds it running, and waits until it is ready for the stack."""
        ...

    def image(self, stack: Stack) -> None:
        """Builds the image of the stack's jobs and brings it into the cluster."""
        ...

    def down(self) -> None:
        """Takes it away, with all that is in it."""
        ...


@dataclass(frozen=True)
class Kind:
    """A kind cluster: kind-cluster.yaml."""

    title: str = f"kind ({KIND_NAME})"
    stack: str = "dev"

    def up(self, stack: Stack) -> None:
        """Makes the cluster unless it is there."""
        kind = _kind()
        if KIND_NAME in capture([kind, "get", "clusters"]).stdout.decode().split():
            say(f"   kind cluster {KIND_NAME} is there")
            return
        must(
            "kind create cluster",
            [kind, "create", "cluster", "--name", KIND_NAME, "--config", ROOT / "kind-cluster.yaml", "--wait", "5m"],
            cure="see what kind says above; `make clean` takes a half-made cluster away",
        )

    def image(self, stack: Stack) -> None:
        """Docker builds the image; kind loads it into its nodes."""
        docker = program("docker", cure="install Docker")
        must("docker build", [docker, "build", "-t", IMAGE, ROOT / "jobs" / "pyflink"], cure="mend the Dockerfile")
        load = [_kind(), "load", "docker-image", IMAGE, "--name", KIND_NAME]
        must("kind load", load, cure="run `make cluster` first")

    def down(self) -> None:
        """Deletes the cluster."""
        must(
            "kind delete cluster", [_kind(), "delete", "cluster", "--name", KIND_NAME], cure="see what kind says above"
        )


@dataclass(frozen=True)
class Sandbox:
    """The one-node Kubernetes that is built from package registries."""

    title: str = "sandbox"
    stack: str = "sandbox"

    def up(self, stack: Stack) -> None:
        """Builds what the stack needs and starts what does not run."""
        settings = stack.platform.settings
        wanted = ["--operator", settings.operator.version] if settings.operator.enabled else []
        wanted += ["--cert-manager"] if settings.cert_manager.enabled else []
        wanted += ["--prometheus"] if settings.prometheus.enabled else []
        must("the sandbox", _sandbox("up", *wanted), cure="mend what it says above and run the same command again")

    def image(self, stack: Stack) -> None:
        """`up` builds and imports every image whose inputs changed."""
        self.up(stack)

    def down(self) -> None:
        """Stops it and forgets what is in it; what was built stays."""
        must("taking the sandbox down", _sandbox("down", "--purge"), cure="see above for who uses it")


def _sandbox(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", *arguments]


def _kind() -> str:
    return program("kind", cure="install kind (https://kind.sigs.k8s.io/docs/user/quick-start/)")


def docker_answers() -> bool:
    """Whether a Docker daemon answers on this machine."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def here() -> Cluster:
    """The cluster that this machine can have."""
    return Kind() if docker_answers() and shutil.which("kind") else Sandbox()


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="tools.cluster", description="the cluster on this machine")
    parser.add_argument("operation", choices=["up", "image", "down"])
    options = parser.parse_args()
    cluster = here()
    say(f"cluster: {cluster.title}")
    if options.operation == "up":
        cluster.up(prepare(cluster.stack))
    elif options.operation == "image":
        cluster.image(prepare(cluster.stack))
    else:
        cluster.down()
    return 0


if __name__ == "__main__":
    finish(main)
