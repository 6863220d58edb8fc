"""The cluster for a part: any cluster with the Flink CRDs; the benchmark deletes its objects afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dev.bench.table import Skipped
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool


def cluster_kubectl(part: str, kubeconfig: Path | None, context: str | None) -> Kubectl | Skipped:
    """kubectl for the configured cluster, or the reason why the part cannot be measured.

    Args:
        part: that uses the cluster.
        kubeconfig: its file, if it is set.
        context: its kube-context, if it is set.
    """
    if kubeconfig is None or context is None:
        return Skipped(part, "no cluster is set; set KUBECONFIG=file CONTEXT=name of a cluster with the Flink CRDs")
    try:
        return Kubectl(find_tool("kubectl"), context, kubeconfig.absolute())
    except CommandError as error:
        return Skipped(part, str(error))


def forget(kubectl: Kubectl, namespaces: Sequence[str]) -> None:
    """Delete the benchmark's namespaces with all their objects.

    Raises:
        CommandError: if they cannot be deleted.
    """
    try:
        kubectl.run("delete", "namespace", *namespaces, "--ignore-not-found", "--timeout=900s")
    except CommandError as error:
        raise CommandError(f"the namespaces of the benchmark cannot be deleted: {error}") from None
