"""The cluster that a part is measured on: any with the Flink CRDs; nothing of the bench stays in it."""

from __future__ import annotations

from pathlib import Path

from dev.bench.table import Skipped
from dev.bench.workload import NAMESPACE
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool


def named(part: str, kubeconfig: Path | None, context: str | None) -> Kubectl | Skipped:
    """kubectl for the cluster that was named, or why the part cannot be measured.

    Args:
        part: that wants it.
        kubeconfig: file, if one was said.
        context: kube-context, if one was said.
    """
    if kubeconfig is None or context is None:
        return Skipped(part, "no cluster was named; say KUBECONFIG=file CONTEXT=name of one with the Flink CRDs")
    try:
        return Kubectl(find_tool("kubectl"), context, kubeconfig.absolute())
    except CommandError as error:
        return Skipped(part, str(error))


def forget(kubectl: Kubectl) -> None:
    """Takes the bench's namespace away, with all that is in it.

    Raises:
        CommandError: when it stays.
    """
    try:
        kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=900s")
    except CommandError as error:
        raise CommandError(f"the namespace {NAMESPACE} of the bench stays behind: {error}") from None
