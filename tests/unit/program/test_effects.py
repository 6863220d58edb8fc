"""Effects: they keep the order of the edges, go side by side otherwise, and a failure stops what depends on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import pulumi
import pytest

from flink_k8s.program.resource_graph import Resource, ResourceGraph

Run = Callable[..., ResourceGraph]

DIAMOND = """
top = config_map("top")
left = config_map("left", top)
right = config_map("right", top)
bottom = config_map("bottom", left, right)
"""


class Log:
    """Effects that record the start and end of each resource, and fail for given ones."""

    def __init__(self, broken: Mapping[str, Exception] | None = None, meet: int = 0) -> None:
        self.events: list[tuple[str, str]] = []
        self._broken = broken or {}
        self._barrier = threading.Barrier(meet) if meet else None

    def apply(self, resource: Resource) -> Mapping[str, object]:
        self.events.append(("start", resource.name))
        if self._barrier is not None:
            self._barrier.wait(timeout=10)
        time.sleep(0.01)  # long enough for a dependent that does not wait to show itself
        if resource.name in self._broken:
            raise self._broken[resource.name]
        self.events.append(("end", resource.name))
        return {"data": {"made": resource.name}}

    def at(self, moment: str, name: str) -> int:
        return self.events.index((moment, name))


def test_dependents_start_after_their_dependencies_end(run: Run) -> None:
    log = Log()
    graph = run(DIAMOND, preview=False, effects=log)
    assert len(log.events) == 8
    for urn, needs in graph.edges.items():
        for need in needs:
            result = log.at("end", graph.by_urn[need].name)
            assert result < log.at("start", graph.by_urn[urn].name)


def test_independent_effects_run_in_parallel(run: Run) -> None:
    # All thirty must run in parallel, or the barrier breaks.
    log = Log(meet=30)
    run("for i in range(30): config_map(f'c{i}')", preview=False, effects=log)
    assert [moment for moment, _ in log.events] == ["start"] * 30 + ["end"] * 30


def test_the_program_gets_the_outputs(run: Run) -> None:
    graph = run("pulumi.export('data', config_map('a', data={'x': 'y'}).data)", preview=False, effects=Log())
    assert graph.exports == {"data": {"made": "a"}}


def test_components_and_providers_have_no_effect(run: Run) -> None:
    log = Log()
    run(preview=False, effects=log)
    names = {name for what, name in log.events if what == "start"}
    assert names == {"flink-namespace", "flink-account", "password", "operator", "word-count"}


def test_failure_stops_dependents_and_is_reported_once(run: Run) -> None:
    log = Log({"left": pulumi.RunError("ConfigMap default/left: denied")})
    with pytest.raises(pulumi.RunError, match=r"^ConfigMap default/left: denied$"):
        run(DIAMOND, preview=False, effects=log)
    assert ("start", "bottom") not in log.events
    assert ("end", "right") in log.events  # running effects complete


def test_parallel_failures_are_all_reported(run: Run) -> None:
    log = Log({name: pulumi.RunError(f"{name} denied") for name in ("left", "right")}, meet=0)
    both = Meeting(log, {"left", "right"})
    with pytest.raises(pulumi.RunError) as caught:
        run(DIAMOND, preview=False, effects=both)
    assert sorted(str(caught.value).splitlines()) == ["left denied", "right denied"]


class Meeting:
    """Lets those effects go on only when all of them have begun."""

    def __init__(self, log: Log, names: set[str]) -> None:
        self._log = log
        self._names = names
        self._barrier = threading.Barrier(len(names))

    def apply(self, resource: Resource) -> Mapping[str, object]:
        if resource.name in self._names:
            self._barrier.wait(timeout=10)
        return self._log.apply(resource)


def test_unexpected_error_of_an_effect_is_raised(run: Run) -> None:
    with pytest.raises(ZeroDivisionError):
        run(DIAMOND, preview=False, effects=Log({"top": ZeroDivisionError()}))


def test_run_after_a_failure_is_complete(run: Run) -> None:
    with pytest.raises(pulumi.RunError):
        run(DIAMOND, preview=False, effects=Log({"top": pulumi.RunError("denied")}))
    log = Log()
    run(DIAMOND, preview=False, effects=log)
    assert len(log.events) == 8


def test_a_preview_has_no_effects(run: Run) -> None:
    with pytest.raises(ValueError, match="a preview has no effects"):
        run(DIAMOND, preview=True, effects=Log())
