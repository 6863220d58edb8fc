"""The order in which objects disappear from a cluster."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from flink_k8s.support.kubectl import Kubectl


@contextmanager
def deletions(kubectl: Kubectl, objects: Mapping[str, tuple[str, ...]]) -> Generator[list[str]]:
    """While the block runs, objects are watched; the list gets the name of each as it disappears.

    Args:
        kubectl: of the cluster.
        objects: arguments of `kubectl get` by name, in the order that is expected.
    """
    assert all(kubectl.get(*arguments) for arguments in objects.values())
    gone: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while len(gone) < len(objects):
            is_last = ended.wait(0.1)
            # The object that is to disappear last is looked at first: a look never reports a later one before an
            # earlier one that disappeared in between.
            last_first = [name for name in reversed(objects) if name not in gone]
            missing = {name for name in last_first if kubectl.get(*objects[name]) is None}
            gone.extend(name for name in objects if name in missing)
            if is_last:
                return

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield gone
    finally:
        ended.set()
        watching.join()
