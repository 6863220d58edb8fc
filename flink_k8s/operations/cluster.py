"""The local cluster: kind if a Docker daemon answers, else the sandbox."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flink_k8s.operations.stack import Stack, prepare
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import capture, must, program

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
            say(f"   kind cluster {KIND_NAME} exists")
            return
        must(
            "kind create cluster",
            [kind, "create", "cluster", "--name", KIND_NAME, "--config", ROOT / "kind-cluster.yaml", "--wait", "5m"],
            remedy="fix the error above; `make clean` deletes an incomplete cluster",
        )

    def image(self, stack: Stack) -> None:
        """Docker builds the image; kind loads it into its nodes."""
        docker = program("docker", remedy="install Docker")
        must("docker build", [docker, "build", "-t", IMAGE, ROOT / "jobs" / "pyflink"], remedy="fix the Dockerfile")
        tags = tags_of(stack)
        for source, tag in tags:
            if capture([docker, "image", "inspect", tag]).returncode != 0:
                must("docker tag", [docker, "tag", source, tag], remedy=f"`make build` makes {IMAGE} alone")
        load = [_kind(), "load", "docker-image", IMAGE, *(tag for _, tag in tags), "--name", KIND_NAME]
        must("kind load", load, remedy="run `make cluster` first")
        _say_tags(tags)

    def down(self) -> None:
        """Deletes the cluster."""
        must(
            "kind delete cluster",
            [_kind(), "delete", "cluster", "--name", KIND_NAME],
            remedy="see what kind says above",
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
        must("the sandbox", _sandbox("up", *wanted), remedy="fix the error above and run the command again")

    def image(self, stack: Stack) -> None:
        """`up` builds and imports every image whose inputs changed."""
        self.up(stack)
        tags = tags_of(stack)
        for source, tag in tags:
            must("naming the image", _sandbox("tag", source, tag), remedy="run the same command again")
        _say_tags(tags)

    def down(self) -> None:
        """Stops it and forgets what is in it; what was built stays."""
        must("taking the sandbox down", _sandbox("down", "--purge"), remedy="see above for who uses it")


def tags_of(stack: Stack) -> list[tuple[str, str]]:
    """The image that is built and the name by its code that each of the stack's jobs has for it.

    A name that is there already stays with what it was built as: what that job uses is the same.
    """
    jobs = stack.platform.jobs
    return sorted({(job.built_as, job.image) for job in jobs if job.built_as is not None and job.image is not None})


def _say_tags(tags: Sequence[tuple[str, str]]) -> None:
    for source, tag in tags:
        say(f"   {source} is tagged {tag}")


def _sandbox(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", *arguments]


def _kind() -> str:
    return program("kind", remedy="install kind (https://kind.sigs.k8s.io/docs/user/quick-start/)")


def docker_answers() -> bool:
    """Whether a Docker daemon answers on this machine."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return capture([docker, "info"], timeout=20).returncode == 0
    except CommandError:
        return False


def here() -> Cluster:
    """The cluster that this machine can have."""
    return Kind() if docker_answers() and shutil.which("kind") else Sandbox()


def announced() -> Cluster:
    """The cluster that this machine can have; prints its name."""
    cluster = here()
    say(f"cluster: {cluster.title}")
    return cluster


def up() -> None:
    """Start the local cluster.

    Raises:
        CommandError: if it does not start.
    """
    cluster = announced()
    cluster.up(prepare(cluster.stack))


def build(overlay: Path | None = None) -> None:
    """Build the image of the jobs and load it into the local cluster.

    Args:
        overlay: a file of config that is merged over the stack's.

    Raises:
        CommandError: if it cannot be built.
    """
    cluster = announced()
    cluster.image(prepare(cluster.stack, overlay))


def down() -> None:
    """Delete the local cluster.

    Raises:
        CommandError: if it cannot be deleted.
    """
    announced().down()


def image_names(stack: Stack) -> None:
    """Print the image that is built, and each name that the stack's jobs have for it, a pair a line."""
    for source, tag in tags_of(stack):
        print(source, tag)
