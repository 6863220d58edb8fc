"""Part b: the `pulumi` command on a real API server, beside kubectl with the rendered files of the same stack.

Nothing but the API server is needed, and the Flink CRDs in it: the jobs are objects that no operator looks at.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from local.command import CommandError
from local.tool import find_tool
from tools.bench.measure import Cost, cost
from tools.bench.table import Row, Skipped
from tools.bench.workload import NAMESPACE, STACK, job_file, names, project
from tools.run import FailedError, capture

PART = "b"
_KUBECTL = "kubectl apply --server-side"


def measure(counts: Sequence[int], kubeconfig: Path | None, context: str | None) -> Iterator[Row | Skipped]:
    """Rows as they are measured; each command runs once, since each changes the cluster.

    Args:
        counts: numbers of jobs.
        kubeconfig: of the cluster to use.
        context: its kube-context.
    """
    if shutil.which("pulumi") is None:
        yield Skipped(PART, "the pulumi command is not on PATH")
        return
    if kubeconfig is None or context is None:
        yield Skipped(PART, "no cluster was named; say KUBECONFIG=file CONTEXT=name of one with the Flink CRDs")
        return
    try:
        kubectl = [find_tool("kubectl"), "--kubeconfig", str(kubeconfig), "--context", context]
    except CommandError as error:
        yield Skipped(PART, str(error))
        return
    for count in counts:
        with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
            yield from _Deployment(Path(place), count, kubeconfig, context, kubectl).rows()


class _Deployment:
    """The same objects, first by kubectl, then by the engine."""

    def __init__(self, place: Path, count: int, kubeconfig: Path, context: str, kubectl: Sequence[str]) -> None:
        self._count = count
        self._kubectl = kubectl
        self._out = place / "out"
        config: dict[str, object] = {"kubeconfig": str(kubeconfig), "context": context}
        self._folder = project(place / "project", count, config)
        state = place / "state"
        state.mkdir()
        self._env = {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def rows(self) -> Iterator[Row]:
        """One after the other; the cluster is left as it was found."""
        try:
            apply, again, diff = self._by_kubectl()
        finally:
            self._forget()
        try:
            yield from self._by_engine(apply, again, diff)
        finally:
            self._forget()

    def _by_kubectl(self) -> tuple[Cost, Cost, Cost]:
        cost([sys.executable, "-m", "local.render", STACK, self._out], self._folder)
        everything = [*self._kubectl, "apply", "--server-side", "-f", self._out]
        return (
            cost(everything, self._folder),
            cost(everything, self._folder),
            cost([*self._kubectl, "diff", "--server-side", "-f", self._out], self._folder),
        )

    def _by_engine(self, apply: Cost, again: Cost, diff: Cost) -> Iterator[Row]:
        self._pulumi("stack", "init")
        yield self._row("preview of all", "preview", self._pulumi("preview"), _KUBECTL, apply)
        yield self._row("first deployment", "up", self._up(), _KUBECTL, apply)
        yield self._row("preview of nothing", "preview", self._pulumi("preview"), "kubectl diff", diff)
        yield self._row("deployment of nothing", "up", self._up(), f"{_KUBECTL} again", again)
        first = names(1)[0]
        changed = job_file(first).replace("parallelism: 2", "parallelism: 3")
        (self._folder / "jobs" / f"{first}.yaml").write_text(changed, encoding="utf-8")
        yield self._row("one job changed", "up", self._up(), f"{_KUBECTL} again", again)

    def _row(self, work: str, command: str, ours: Cost, peer: str, theirs: Cost) -> Row:
        return Row(PART, work, self._count, f"pulumi {command}", ours, peer, theirs)

    def _pulumi(self, *arguments: str) -> Cost:
        return cost(["pulumi", *arguments, "--non-interactive", "--stack", STACK], self._folder, self._env)

    def _up(self) -> Cost:
        return self._pulumi("up", "--yes", "--skip-preview")

    def _forget(self) -> None:
        done = capture([*self._kubectl, "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=900s"])
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise FailedError(f"the namespace {NAMESPACE} of the bench stays behind: {said}")
