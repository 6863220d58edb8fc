"""Part b: the `pulumi` command on a real API server, beside kubectl and OpenTofu with what the stack renders to.

Nothing but the API server is needed, and the Flink CRDs in it: the jobs are objects that no operator looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.bench.cluster import forget
from dev.bench.deployers import Deployer, Pulumi, ServerSide, Tofu, find_tofu
from dev.bench.measure import Cost
from dev.bench.table import Row, Skipped
from dev.bench.workload import objects, project
from flink_k8s.operations import deploy as engine
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

PART = "b"

_MOST_OF_TOFU = 10
"""Jobs: beyond, OpenTofu is left out. It reads the server's API anew for each object: seconds a job and command."""


def measure(counts: Sequence[int], cluster: Kubectl | Skipped) -> Iterator[Row | Skipped]:
    """Rows as they are measured; each command runs once, since each changes the cluster.

    Args:
        counts: numbers of jobs.
        cluster: to use; or why there is none.
    """
    if isinstance(cluster, Skipped):
        yield cluster
        return
    try:
        command = engine.find(context=cluster.context).pulumi
    except CommandError as error:
        yield Skipped(PART, str(error))
        return
    tofu = find_tofu()
    if tofu is None:
        yield Skipped(PART, "OpenTofu with its Kubernetes provider: tofu is not on PATH")
    for count in counts:
        with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
            folder = project(
                Path(place) / "project", count, {"kubeconfig": str(cluster.kubeconfig), "context": cluster.context}
            )
            manifests = objects(folder, Path(place) / "out")
            peers: list[Deployer] = [ServerSide(cluster, manifests)]
            if tofu is not None and count > _MOST_OF_TOFU:
                yield Skipped(PART, f"OpenTofu with {count} jobs: each job takes it seconds; see {_MOST_OF_TOFU} jobs")
            elif tofu is not None:
                peers.append(Tofu(tofu, cluster, manifests, Path(place) / "tofu"))
            yield from _rows(count, cluster, Pulumi(command, folder, Path(place) / "state"), peers)


def _rows(count: int, cluster: Kubectl, here: Deployer, peers: Sequence[Deployer]) -> Iterator[Row | Skipped]:
    theirs: dict[Deployer, Mapping[str, Cost]] = {}
    for peer in peers:
        try:
            theirs[peer] = _by(cluster, peer)
        except CommandError as error:
            yield Skipped(PART, f"{peer.deploys} of {count} jobs: {error}")
    ours = _by(cluster, here)
    for work, cost in ours.items():
        for peer, costs in theirs.items():
            preview = work.startswith("preview")
            command, beside = (one.previews if preview else one.deploys for one in (here, peer))
            yield Row(PART, work, count, command, cost, beside, costs[work])


def _by(cluster: Kubectl, deployer: Deployer) -> Mapping[str, Cost]:
    """What each piece of work costs with one of them, in the order of a stack's life; the cluster is left as found."""
    try:
        deployer.begin()
        found = {
            "preview of all": deployer.preview(),
            "first deployment": deployer.deploy(),
            "preview of nothing": deployer.preview(),
            "deployment of nothing": deployer.deploy(),
        }
        deployer.change_one()
        return {**found, "one job changed": deployer.deploy()}
    finally:
        forget(cluster)
