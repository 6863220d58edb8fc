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
    """A cluster on this machine that a stack is deployed to."""

    @property
    def title(self) -> str:
        """The name to print."""
        ...

    @property
    def stack(self) -> str:
        """The stack whose config is for this cluster."""
        ...

    def up(self, stack: Stack) -> None:
        """Start the cluster if it does not run, and wait until it is ready for the stack."""
        ...

    def image(self, stack: Stack) -> None:
        """Build the image of the stack's jobs and load it into the cluster."""
        ...

    def down(self) -> None:
        """Delete the cluster with everything in it."""
        ...


@dataclass(frozen=True)
class Kind:
    """A kind cluster: kind-cluster.yaml."""

    title: str = f"kind ({KIND_NAME})"
    stack: str = "dev"

    def up(self, stack: Stack) -> None:
        """Create the cluster if it does not exist."""
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
        """Build the image with Docker, and load it into kind's nodes."""
        docker = program("docker", remedy="install Docker")
        must("docker build", [docker, "build", "-t", IMAGE, ROOT / "jobs" / "pyflink"], remedy="fix the Dockerfile")
        tags = tags_of(stack)
        for source, tag in tags:
            if capture([docker, "image", "inspect", tag]).returncode != 0:
                must("docker tag", [docker, "tag", source, tag], remedy="run `make build` again")
        load = [_kind(), "load", "docker-image", IMAGE, *(tag for _, tag in tags), "--name", KIND_NAME]
        must("kind load", load, remedy="run `make cluster` first")
        _say_tags(tags)

    def down(self) -> None:
        """Delete the cluster."""
        must(
            "kind delete cluster",
            [_kind(), "delete", "cluster", "--name", KIND_NAME],
            remedy="see kind's output above",
        )


@dataclass(frozen=True)
class Sandbox:
    """The one-node Kubernetes that is built from package registries."""

    title: str = "sandbox"
    stack: str = "sandbox"

    def up(self, stack: Stack) -> None:
        """Build the programs that the stack needs, and start the daemons that do not run."""
        settings = stack.platform.settings
        options = ["--operator", settings.operator.version] if settings.operator.enabled else []
        options += ["--cert-manager"] if settings.cert_manager.enabled else []
        options += ["--prometheus"] if settings.prometheus.enabled else []
        options += ["--logging"] if settings.logging.enabled else []
        must("the sandbox", _sandbox("up", *options), remedy="fix the error above and run the command again")

    def image(self, stack: Stack) -> None:
        """Build the image: `up` builds and imports every image whose inputs changed."""
        self.up(stack)
        tags = tags_of(stack)
        for source, tag in tags:
            must("tagging the image", _sandbox("tag", source, tag), remedy="run the command again")
        _say_tags(tags)

    def down(self) -> None:
        """Stop the sandbox and delete its contents; built programs and images stay."""
        must("stopping the sandbox", _sandbox("down", "--purge"), remedy="see above which clones use it")


def tags_of(stack: Stack) -> list[tuple[str, str]]:
    """Pairs of the built image and the tag, by code hash, that each of the stack's jobs has for it.

    A tag that exists already is not moved: the job's code has not changed.
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


def local_cluster() -> Cluster:
    """The cluster for this machine."""
    return Kind() if docker_answers() and shutil.which("kind") else Sandbox()


def print_local_cluster() -> Cluster:
    """The cluster for this machine; prints its name."""
    cluster = local_cluster()
    say(f"cluster: {cluster.title}")
    return cluster


def up() -> None:
    """Start the local cluster.

    Raises:
        CommandError: if it does not start.
    """
    cluster = print_local_cluster()
    cluster.up(prepare(cluster.stack))


def build(overlay: Path | None = None) -> None:
    """Build the image of the jobs and load it into the local cluster.

    Args:
        overlay: a file of config that is merged over the stack's.

    Raises:
        CommandError: if it cannot be built.
    """
    cluster = print_local_cluster()
    cluster.image(prepare(cluster.stack, overlay))


def down() -> None:
    """Delete the local cluster.

    Raises:
        CommandError: if it cannot be deleted.
    """
    print_local_cluster().down()


def image_names(stack: Stack) -> None:
    """Print the built image and each tag that the stack's jobs have for it, one pair per line."""
    for source, tag in tags_of(stack):
        print(source, tag)
