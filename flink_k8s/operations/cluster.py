"""The cluster on this machine: kind where a Docker daemon answers, else the sandbox.

python -m flink_k8s.operations.cluster up|image|down|names

`names` prints what `image` names the built image by, a line each, for a pipeline that pushes it to a registry.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flink_k8s.operations.stack import Stack, prepare
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import capture, finish, must, program, say

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
        tags = tags_of(stack)
        for source, tag in tags:
            if capture([docker, "image", "inspect", tag]).returncode != 0:
                must("docker tag", [docker, "tag", source, tag], cure=f"`make build` makes {IMAGE} alone")
        load = [_kind(), "load", "docker-image", IMAGE, *(tag for _, tag in tags), "--name", KIND_NAME]
        must("kind load", load, cure="run `make cluster` first")
        _say_tags(tags)

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
        tags = tags_of(stack)
        for source, tag in tags:
            must("naming the image", _sandbox("tag", source, tag), cure="run the same command again")
        _say_tags(tags)

    def down(self) -> None:
        """Stops it and forgets what is in it; what was built stays."""
        must("taking the sandbox down", _sandbox("down", "--purge"), cure="see above for who uses it")


def tags_of(stack: Stack) -> list[tuple[str, str]]:
    """The image that is built and the name by its code that each of the stack's jobs has for it.

    A name that is there already stays with what it was built as: what that job uses is the same.
    """
    jobs = stack.platform.jobs
    return sorted({(job.built_as, job.image) for job in jobs if job.built_as is not None and job.image is not None})


def _say_tags(tags: Sequence[tuple[str, str]]) -> None:
    for source, tag in tags:
        say(f"   {source} is there as {tag}")


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
    parser = argparse.ArgumentParser(prog="flink_k8s.operations.cluster", description="the cluster on this machine")
    parser.add_argument("operation", choices=["up", "image", "down", "names"])
    parser.add_argument("--stack", help="whose names; without it, of this machine's cluster")
    parser.add_argument("--layer", type=Path, help="a file of config that is laid over the stack's")
    options = parser.parse_args()
    if options.operation == "names":
        for source, tag in tags_of(prepare(options.stack or here().stack, options.layer)):
            print(source, tag)
        return 0
    cluster = here()
    say(f"cluster: {cluster.title}")
    if options.operation == "up":
        cluster.up(prepare(cluster.stack))
    elif options.operation == "image":
        cluster.image(prepare(cluster.stack, options.layer))
    else:
        cluster.down()
    return 0


if __name__ == "__main__":
    finish(main)
