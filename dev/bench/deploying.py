"""Part b: the `pulumi` command on a real API server, compared with kubectl and OpenTofu with the rendered objects.

It needs only an API server with the Flink CRDs: no operator reconciles the jobs. A thousand jobs are in ten stacks,
which are deployed one by one, and two at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.bench.cluster import forget
from dev.bench.deployers import Deployer, Pulumi, ServerSide, Tofu, find_tofu
from dev.bench.measure import Cost
from dev.bench.table import Row, Skipped
from dev.bench.workload import STACK, objects, project
from flink_k8s.operations import deploy
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

PART = "b"

_MOST_OF_TOFU = 10
"""Jobs up to which OpenTofu is measured. It reads the server's API for each object: seconds per job and command."""

_MOST_OF_A_STACK = 300
"""Jobs up to which they are in one stack."""

_STACKS = 10
"""Number of stacks of more jobs."""


def measure(counts: Sequence[int], cluster: Kubectl | Skipped) -> Iterator[Row | Skipped]:
    """The rows of the part; each command runs once, because it changes the cluster.

    Args:
        counts: numbers of jobs.
        cluster: to use, or the reason why there is none.
    """
    if isinstance(cluster, Skipped):
        yield cluster
        return
    try:
        command = deploy.find(context=cluster.context).pulumi
    except CommandError as error:
        yield Skipped(PART, str(error))
        return
    tofu = find_tofu()
    if tofu is None:
        yield Skipped(PART, "OpenTofu with its Kubernetes provider: tofu is not on PATH")
    for count in counts:
        with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
            stacks = stacks_of(count)
            config: dict[str, object] = {"kubeconfig": str(cluster.kubeconfig), "context": cluster.context}
            folder = project(Path(place) / "project", count // len(stacks), config, stacks)
            manifests = objects(folder, Path(place) / "out", stacks)
            peers: list[Deployer] = [ServerSide(cluster, Path(place) / "out", stacks)]
            if tofu is not None and count > _MOST_OF_TOFU:
                yield Skipped(PART, f"OpenTofu with {count} jobs: it takes seconds per job; see {_MOST_OF_TOFU} jobs")
            elif tofu is not None:
                peers.append(Tofu(tofu, cluster, manifests, Path(place) / "tofu"))
            ours = [
                Pulumi(command, folder, Path(place) / f"state-{at_once}", stacks, at_once)
                for at_once in ((1, 2) if len(stacks) > 1 else (1,))
            ]
            yield from _rows(count, cluster, stacks, ours, peers)


def stacks_of(count: int) -> Sequence[str]:
    """The stacks of a number of jobs."""
    return (STACK,) if count <= _MOST_OF_A_STACK else [f"{STACK}-{number}" for number in range(_STACKS)]


def _rows(
    count: int, cluster: Kubectl, namespaces: Sequence[str], ours: Sequence[Deployer], peers: Sequence[Deployer]
) -> Iterator[Row | Skipped]:
    theirs: dict[Deployer, Mapping[str, Cost]] = {}
    for peer in peers:
        try:
            theirs[peer] = _by(cluster, namespaces, peer)
        except CommandError as error:
            yield Skipped(PART, f"{peer.deploys} of {count} jobs: {error}")
    for pulumi in ours:
        for work, cost in _by(cluster, namespaces, pulumi).items():
            for peer, costs in theirs.items():
                preview = work.startswith("preview")
                command, peer_command = (side.previews if preview else side.deploys for side in (pulumi, peer))
                yield Row(PART, work, count, command, cost, peer_command, costs[work])


def _by(cluster: Kubectl, namespaces: Sequence[str], deployer: Deployer) -> Mapping[str, Cost]:
    """The cost of each step in the life of a stack with a deployer; its objects are deleted afterwards."""
    try:
        deployer.begin()
        costs = {
            "preview of all": deployer.preview(),
            "first deployment": deployer.deploy(),
            "preview of nothing": deployer.preview(),
            "deployment of nothing": deployer.deploy(),
        }
        deployer.change_one()
        return {**costs, "one job changed": deployer.deploy()}
    finally:
        forget(cluster, namespaces)
