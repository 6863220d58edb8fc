"""Objects that all components of one run of the engine share, such as hooks that the engine finds by fixed names."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar, cast

from pulumi.runtime.settings import get_monitor

T = TypeVar("T")

_Objects = dict[object, object]

_of_run: ContextVar[tuple[object, _Objects] | None] = ContextVar("_of_run", default=None)
"""The connection to the engine and the objects of its run; the SDK keeps its settings in context variables, too."""

_of_process: list[_Objects] = []


def share_in_process() -> None:
    """Share the objects in the whole process, for a component provider: one process serves one run.

    Each of its components has a connection to the engine and a context of its own.
    """
    _of_process.append({})


def shared(key: object, make: Callable[[], T]) -> T:
    """The object of this run with the key; the first call of a run makes it.

    Args:
        key: of the object.
        make: makes it.
    """
    objects = _of_process[0] if _of_process else _objects_of_run()
    if key not in objects:
        objects[key] = make()
    return cast(T, objects[key])


def _objects_of_run() -> _Objects:
    monitor, run = get_monitor(), _of_run.get()
    if run is not None and run[0] is monitor:
        return run[1]
    objects: _Objects = {}
    _of_run.set((monitor, objects))
    return objects
