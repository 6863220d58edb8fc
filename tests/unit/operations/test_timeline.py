"""The timeline of a run: its critical path along declared dependencies, and bars of parallel work."""

from __future__ import annotations

from flink_k8s.operations.timeline import Stopwatch, sequential
from flink_k8s.program.resource_graph import Resource, ResourceGraph


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def declared(name: str, *needs: str, parent: str = "", kind: str = "ConfigMap") -> Resource:
    inputs = {"metadata": {"name": name, "namespace": "flink"}}
    return Resource(
        name, f"kubernetes:core/v1:{kind}", name, parent=parent, inputs=inputs, dependencies=frozenset(needs)
    )


def ran(
    graph: ResourceGraph, *times: tuple[str, float, float], logs: tuple[tuple[str, float], ...] = (), total: float = 20
):
    """A run with a start and an end of the work on each resource."""
    clock = Clock()
    watch = Stopwatch(clock)
    calls = [(begin, watch.begun, urn) for urn, begin, _ in times] + [(end, watch.ended, urn) for urn, _, end in times]
    calls += [(at, watch.logged, urn) for urn, at in logs]
    for clock.now, record, urn in sorted(calls, key=lambda call: call[0]):
        record(urn)
    clock.now = total
    return watch.timeline(graph)


def test_the_critical_path_follows_the_dependency_that_ended_last():
    graph = ResourceGraph((declared("a"), declared("b"), declared("c", "a", "b"), declared("slow")))
    timeline = ran(graph, ("a", 1, 5), ("b", 1, 2), ("slow", 1, 9), ("c", 6, 10))
    assert [span.title for span in timeline.path()] == ["ConfigMap flink/a", "ConfigMap flink/c"]
    # A resource without dependents is the path if it ends last.
    timeline = ran(graph, ("a", 1, 5), ("b", 1, 2), ("slow", 1, 19), ("c", 6, 10))
    assert [span.title for span in timeline.path()] == ["ConfigMap flink/slow"]


def test_the_lines_of_the_path_add_up_to_the_total():
    graph = ResourceGraph((declared("a"), declared("c", "a")))
    text = ran(graph, ("a", 2, 5), ("c", 6, 10), total=12).text()
    path = text.partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split(" s  ")[1] for line in path] == [
        "before the first resource",
        "ConfigMap flink/a",
        "engine and program",
        "ConfigMap flink/c",
        "end of the run",
    ]
    assert [float(line.split()[1]) for line in path] == [2, 3, 1, 4, 2]
    assert "timeline: 12.0 s" in text


def test_the_time_until_a_job_is_ready_is_on_the_critical_path():
    job, snapshot = declared("job", kind="FlinkDeployment"), declared("snapshot", "job", kind="FlinkStateSnapshot")
    before, ready = ("job", 0.5), ("job", 8)
    timeline = ran(ResourceGraph((job, snapshot)), ("job", 1, 2), ("snapshot", 8, 9), logs=(before, ready))
    titles = [span.title for span in timeline.path()]
    assert titles[:2] == ["FlinkDeployment flink/job", "FlinkDeployment flink/job: waiting until ready"]
    assert [(span.begin, span.end) for span in timeline.path()] == [(1, 2), (2, 8), (8, 9)]


def test_each_component_has_a_bar_and_objects_of_a_kind_share_one():
    component = Resource("top", "flink-k8s:index:Prometheus", "prometheus", custom=False)
    graph = ResourceGraph(
        (component, declared("ns", parent="top"), declared("release", "ns", parent="top"), declared("x"), declared("y"))
    )
    timeline = ran(graph, ("ns", 0, 2), ("release", 10, 20), ("x", 2, 4), ("y", 4, 6), logs=(("y", 10),))
    bars = dict(line.split("|")[:2] for line in timeline.text().splitlines() if "|" in line)
    assert {label.strip(): bar for label, bar in bars.items()} == {
        "Prometheus prometheus": "#" * 5 + "." * 20 + "#" * 25,
        "2 ConfigMap in flink": " " * 5 + "#" * 10 + "=" * 10 + " " * 25,
    }


def test_jobs_of_a_namespace_share_a_bar():
    jobs = [Resource(name, "flink-k8s:index:FlinkJob", name, custom=False) for name in ("one", "two")]
    flink = [declared(f"flink-{job.name}", parent=job.urn, kind="FlinkDeployment") for job in jobs]
    timeline = ran(ResourceGraph((*jobs, *flink)), *((resource.urn, 0, 2) for resource in flink))
    assert {span.group for span in timeline.spans.values()} == {"2 FlinkJob in flink"}


def test_resources_without_work_are_left_out():
    timeline = ran(ResourceGraph((declared("a"), declared("never", "a"))), ("a", 0, 1))
    assert [span.title for span in timeline.spans.values()] == ["ConfigMap flink/a"]
    assert "timeline" in ran(ResourceGraph(())).text()


def test_sequential_steps_are_one_path():
    timeline = sequential([("cluster", 1.0), ("image", 2.0), ("job", 4.0)])
    assert [(span.title, span.begin, span.end) for span in timeline.path()] == [
        ("cluster", 0, 1),
        ("image", 1, 3),
        ("job", 3, 7),
    ]
    assert timeline.total == 7
