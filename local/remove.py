"""Taking down what was applied: in reverse order of the edges, each thing gone before what it needs goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

import pulumi

from local.cluster import Cluster, is_absent
from local.dependencies import Edges, reversed_edges
from local.failure import CommandError
from local.helm import Helm
from local.ledger import Entry, Ledger, edges_among
from local.process import Interrupted
from local.progress import Progress
from local.waiting import trouble, what_blocks

_WORKERS: Final = 32
# kubectl watches until the object is gone; between two watches the reason is asked for.
_WATCH_SECONDS: Final = 5


class Removal:
    """Takes entries of a ledger down."""

    def __init__(self, cluster: Cluster, root: Path, ledger: Ledger, progress: Progress) -> None:
        self._cluster = cluster
        self._helm = Helm(cluster, root)
        self._ledger = ledger
        self._progress = progress

    def remove(self, entries: Collection[Entry]) -> None:
        """Take them all down; what does not depend on each other goes side by side.

        Raises:
            CommandError: when something could not be removed; then what it needs is left alone too. Saying so for
                each.
            Interrupted: when the run is to end.
        """
        by_key = {entry.key: entry for entry in entries}
        failures, left = in_reverse(edges_among(entries), lambda key: self._remove(by_key[key]))
        if self._cluster.stopping.is_set():
            raise Interrupted("interrupted")
        if failures:
            lines = [str(error) for error in failures.values()]
            lines += [f"{by_key[key].title}: left alone, it is needed by what is still there" for key in left]
            raise CommandError("\n".join(lines))

    def _remove(self, entry: Entry) -> None:
        start = time.monotonic()
        if entry.retain:
            what = "stays, as declared"
        elif entry.is_release:
            what = self._uninstall(entry)
        else:
            what = self._delete(entry)
        self._ledger.drop(entry.key)
        self._progress.line(entry.title, f"{what} ({time.monotonic() - start:.1f} s)")

    def _uninstall(self, entry: Entry) -> str:
        def waiting() -> None:
            self._progress.waiting(entry.title, trouble(self._cluster, entry.namespace))

        done = self._helm.uninstall(entry.name, entry.namespace, entry.timeout, waiting)
        if done.code != 0:
            raise CommandError(f"{entry.title}: {done.reason}")
        return "uninstalled"

    def _delete(self, entry: Entry) -> str:
        where = [f"--namespace={entry.namespace}"] if entry.namespace else []
        done = self._cluster.kubectl_patiently(
            "delete", entry.resource, entry.name, *where, f"--cascade={entry.propagation}", "--wait=false"
        )
        if done.code != 0:
            if is_absent(done.error):
                return "was gone already"
            raise CommandError(f"{entry.title}: {done.reason}")
        deadline = time.monotonic() + entry.timeout
        while True:
            found = self._cluster.get(entry.resource, entry.name, entry.namespace, "--ignore-not-found")
            if found is None:
                return "deleted"
            blocked = what_blocks(found)
            if time.monotonic() > deadline:
                raise CommandError(f"{entry.title} is still there after {entry.timeout} s: {blocked}")
            watched = self._cluster.kubectl(
                "wait", "--for=delete", entry.resource, entry.name, *where, f"--timeout={_WATCH_SECONDS}s"
            )
            if watched.code != 0 and not is_absent(watched.error):
                self._progress.waiting(entry.title, [blocked])


def in_reverse(edges: Edges, action: Callable[[str], None]) -> tuple[dict[str, Exception], list[str]]:
    """Run an action on each node after it is done for all that depend on it, as many side by side as can be.

    Args:
        edges: node to what it depends on.
        action: may raise; then what the node depends on is left out.

    Returns:
        The errors by node, and the nodes that were left out.
    """
    dependents = {node: set(others) for node, others in reversed_edges(edges).items()}
    failures: dict[str, Exception] = {}
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(_WORKERS, "remove") as executor:
        while True:
            for node in [node for node, others in dependents.items() if not others]:
                del dependents[node]
                running[executor.submit(action, node)] = node
            if not running:
                return failures, sorted(dependents)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                node = running.pop(future)
                error = future.exception()
                if isinstance(error, (CommandError, pulumi.RunError)):
                    failures[node] = error
                elif error is not None:
                    raise error
                else:
                    for others in dependents.values():
                        others.discard(node)
