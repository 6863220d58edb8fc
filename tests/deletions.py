"""The order in which objects disappear from a cluster."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from flink_k8s.support.kubectl import Kubectl


@contextmanager
def deletions(kubectl: Kubectl, objects: Mapping[str, tuple[str, ...]]) -> Generator[list[str]]:
    """Watch objects while the block runs; each object that disappears is appended to the list by name.

    Args:
        kubectl: of the cluster.
        objects: arguments of `kubectl get` by name, in the order that is expected.
    """
    assert all(kubectl.get(*arguments) for arguments in objects.values())
    deleted: list[str] = []
    ended = threading.Event()

    def record() -> None:
        while len(deleted) < len(objects):
            is_last = ended.wait(0.1)
            # The object that should disappear last is read first, so an object that disappears meanwhile is never
            # recorded before an earlier one.
            last_first = [name for name in reversed(objects) if name not in deleted]
            missing = {name for name in last_first if kubectl.get(*objects[name]) is None}
            deleted.extend(name for name in objects if name in missing)
            if is_last:
                return

    watching = threading.Thread(target=record)
    watching.start()
    try:
        yield deleted
    finally:
        ended.set()
        watching.join()
