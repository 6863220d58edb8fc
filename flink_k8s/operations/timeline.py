"""The timeline of a run as text: its critical path, and bars of the work in parallel."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from flink_k8s.program.dependencies import Edges
from flink_k8s.program.resource_graph import ResourceGraph

_COLUMNS: Final = 50
_LONGEST_LABEL: Final = 48
_GAP_SECONDS: Final = 0.3
"""Shorter gaps between two steps of the path are not printed."""


@dataclass(frozen=True)
class Span:
    """A period of work on a resource.

    Attributes:
        title: that is printed.
        group: title of its bar.
        begin, end: seconds since the run began.
        is_watch: whether the run only waited for the resource to be ready.
    """

    title: str
    group: str
    begin: float
    end: float
    is_watch: bool = False

    @property
    def took(self) -> float:
        """Seconds."""
        return self.end - self.begin


@dataclass(frozen=True)
class Timeline:
    """The timeline of a run that has ended.

    Attributes:
        total: seconds.
        spans: by ID.
        dependencies: ID to the IDs that had to end before.
    """

    total: float
    spans: Mapping[str, Span]
    dependencies: Edges

    def path(self) -> list[Span]:
        """The critical path: the span that ended last, before it the dependency that ended last, and so on; from the
        first to the last."""
        path: list[Span] = []
        candidates: Iterable[str] = self.spans
        while ids := [candidate for candidate in candidates if candidate in self.spans]:
            last = max(ids, key=lambda span_id: (self.spans[span_id].end, span_id))
            path.append(self.spans[last])
            candidates = self.dependencies.get(last, ())
        return path[::-1]

    def text(self) -> str:
        """The path, and the bars."""
        return "\n".join([*self._path_lines(), "", *self._bars()]) + "\n"

    def _path_lines(self) -> list[str]:
        lines = [f"timeline: {self.total:.1f} s", "", "critical path:", "   begin     took"]
        at, before = 0.0, "before the first resource"
        for span in self.path():
            if span.begin - at >= _GAP_SECONDS:
                lines.append(_line(at, span.begin - at, before))
            lines.append(_line(span.begin, span.took, span.title))
            at, before = span.end, "engine and program"
        if self.total - at >= _GAP_SECONDS:
            lines.append(_line(at, self.total - at, "end of the run"))
        return lines

    def _bars(self) -> list[str]:
        groups: dict[str, list[Span]] = {}
        for span in sorted(self.spans.values(), key=lambda span: (span.begin, span.end, span.title)):
            groups.setdefault(span.group, []).append(span)
        width = min(max((len(group) for group in groups), default=0), _LONGEST_LABEL)
        lines = [f"parallel work (# active, = waiting until ready, . idle; {_COLUMNS} columns):"]
        for group, spans in groups.items():
            begin, end = spans[0].begin, max(span.end for span in spans)
            label = group if len(group) <= width else f"{group[: width - 3]}..."
            lines.append(f"{label:{width}} |{self._bar(spans)}| {begin:6.1f} to {end:.1f} s")
        return lines

    def _bar(self, spans: list[Span]) -> str:
        each = (self.total or 1.0) / _COLUMNS
        columns = [" "] * _COLUMNS

        def mark(begin: float, end: float, sign: str) -> None:
            first = min(int(begin / each), _COLUMNS - 1)
            last = min(max(int(end / each - 1e-9), first), _COLUMNS - 1)
            columns[first : last + 1] = sign * (last - first + 1)

        mark(spans[0].begin, max(span.end for span in spans), ".")
        for span in sorted(spans, key=lambda span: not span.is_watch):
            mark(span.begin, span.end, "=" if span.is_watch else "#")
        return "".join(columns)


def _line(begin: float, took: float, text: str) -> str:
    return f"{begin:8.1f}{took:8.1f} s  {text}"


class Stopwatch:
    """Record the times of events of resources, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._watched: dict[str, float] = {}

    def begun(self, urn: str) -> None:
        """Record the start of work on a resource; the first start counts."""
        with self._lock:
            self._begun.setdefault(urn, self._now())

    def ended(self, urn: str) -> None:
        """Record the end of work on a resource; the last end counts."""
        with self._lock:
            if urn in self._begun:
                self._ended[urn] = self._now()

    def logged(self, urn: str) -> None:
        """Record a message of the program; after the end of the work, it comes from a readiness watch."""
        with self._lock:
            if urn in self._ended:
                self._watched[urn] = self._now()

    def timeline(self, graph: ResourceGraph) -> Timeline:
        """The timeline until now, with the dependencies that the program has declared.

        Args:
            graph: of the program's resources.
        """
        with self._lock:
            total = self._now()
            begun, ended, watched = dict(self._begun), dict(self._ended), dict(self._watched)
        groups = _groups(graph)
        spans: dict[str, Span] = {}
        for resource in graph.objects:
            if resource.urn not in ended:
                continue
            at, group = ended[resource.urn], groups[resource.urn]
            spans[resource.urn] = Span(resource.title, group, begun[resource.urn], at)
            if resource.urn in watched:
                title = f"{resource.title}: waiting until ready"
                spans[_watch(resource.urn)] = Span(title, group, at, watched[resource.urn], is_watch=True)
        dependencies: dict[str, frozenset[str]] = {}
        for urn, needed in graph.edges.items():
            dependencies[urn] = needed.union(map(_watch, needed))
            dependencies[_watch(urn)] = frozenset({urn})
        return Timeline(total, spans, dependencies)

    def _now(self) -> float:
        return self._clock() - self._start


def _watch(urn: str) -> str:
    return f"{urn} ready"


def _groups(graph: ResourceGraph) -> dict[str, str]:
    """URN of each resource to the title of its bar.

    Each component and each object at the top of the stack has a bar. Resources of the same kind in the same namespace
    share a bar: a hundred jobs have one.
    """
    tops = {resource.urn: graph.by_urn[graph.top(resource.urn)] for resource in graph.objects}
    alike: dict[tuple[str, str], set[str]] = defaultdict(set)
    for resource in graph.objects:
        alike[tops[resource.urn].kind, resource.namespace].add(tops[resource.urn].urn)
    groups: dict[str, str] = {}
    for resource in graph.objects:
        top = tops[resource.urn]
        count = len(alike[top.kind, resource.namespace])
        groups[resource.urn] = (
            f"{count} {top.kind} in {resource.namespace or 'the cluster'}" if count > 1 else top.title
        )
    return groups


def sequential(steps: Iterable[tuple[str, float]]) -> Timeline:
    """The timeline of sequential steps.

    Args:
        steps: names and seconds.
    """
    spans: dict[str, Span] = {}
    at = 0.0
    for name, took in steps:
        spans[f"{len(spans):03} {name}"] = Span(name, name, at, at + took)
        at += took
    names = list(spans)
    dependencies = {name: frozenset(names[index - 1 : index] if index else ()) for index, name in enumerate(names)}
    return Timeline(at, spans, dependencies)
