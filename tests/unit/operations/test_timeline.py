"""Where the time of a run went: the path that decided it, along declared edges, and bars of what went side by side."""

from __future__ import annotations

from flink_k8s.operations.timeline import Stopwatch, in_a_row
from flink_k8s.program.recording import Recording, Resource


class Clock:
    """Seconds as the test says them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def thing(name: str, *needs: str, parent: str = "", kind: str = "ConfigMap") -> Resource:
    inputs = {"metadata": {"name": name, "namespace": "flink"}}
    return Resource(
        name, f"kubernetes:core/v1:{kind}", name, parent=parent, inputs=inputs, dependencies=frozenset(needs)
    )


def ran(
    recording: Recording, *times: tuple[str, float, float], said: tuple[tuple[str, float], ...] = (), total: float = 20
):
    """A run in which each resource was worked on from the one second to the other."""
    clock = Clock()
    watch = Stopwatch(clock)
    told = [(begin, watch.begun, urn) for urn, begin, _ in times] + [(end, watch.ended, urn) for urn, _, end in times]
    told += [(at, watch.said, urn) for urn, at in said]
    for clock.now, tell, urn in sorted(told, key=lambda one: one[0]):
        tell(urn)
    clock.now = total
    return watch.timeline(recording)


def test_the_path_goes_along_edges_and_takes_the_last_one_that_was_needed():
    recording = Recording((thing("a"), thing("b"), thing("c", "a", "b"), thing("slow")))
    timeline = ran(recording, ("a", 1, 5), ("b", 1, 2), ("slow", 1, 9), ("c", 6, 10))
    assert [span.title for span in timeline.path()] == ["ConfigMap flink/a", "ConfigMap flink/c"]
    # What nobody needed decides when it ends last.
    timeline = ran(recording, ("a", 1, 5), ("b", 1, 2), ("slow", 1, 19), ("c", 6, 10))
    assert [span.title for span in timeline.path()] == ["ConfigMap flink/slow"]


def test_the_lines_of_the_path_add_up_to_the_total():
    recording = Recording((thing("a"), thing("c", "a")))
    said = ran(recording, ("a", 2, 5), ("c", 6, 10), total=12).text()
    path = said.partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split(" s  ")[1] for line in path] == [
        "until the first resource began",
        "ConfigMap flink/a",
        "between the two: the engine and the program",
        "ConfigMap flink/c",
        "until the run had ended",
    ]
    assert [float(line.split()[1]) for line in path] == [2, 3, 1, 4, 2]
    assert "where the time went: 12.0 s" in said


def test_what_a_job_is_waited_for_counts_and_what_comes_after_it_waits_for_that():
    job, snapshot = thing("job", kind="FlinkDeployment"), thing("snapshot", "job", kind="FlinkStateSnapshot")
    before, ready = ("job", 0.5), ("job", 8)
    timeline = ran(Recording((job, snapshot)), ("job", 1, 2), ("snapshot", 8, 9), said=(before, ready))
    titles = [span.title for span in timeline.path()]
    assert titles[:2] == ["FlinkDeployment flink/job", "FlinkDeployment flink/job, until it was ready"]
    assert [(span.begin, span.end) for span in timeline.path()] == [(1, 2), (2, 8), (8, 9)]


def test_a_bar_for_each_component_and_one_for_all_of_a_kind_beside_them():
    component = Resource("top", "flink-k8s:index:Prometheus", "prometheus", custom=False)
    recording = Recording(
        (component, thing("ns", parent="top"), thing("release", "ns", parent="top"), thing("x"), thing("y"))
    )
    timeline = ran(recording, ("ns", 0, 2), ("release", 10, 20), ("x", 2, 4), ("y", 4, 6), said=(("y", 10),))
    bars = dict(line.split("|")[:2] for line in timeline.text().splitlines() if "|" in line)
    assert {label.strip(): bar for label, bar in bars.items()} == {
        "Prometheus prometheus": "#" * 5 + "." * 20 + "#" * 25,
        "2 ConfigMap in flink": " " * 5 + "#" * 10 + "=" * 10 + " " * 25,
    }


def test_one_bar_for_all_jobs_of_a_namespace():
    jobs = [Resource(name, "flink-k8s:index:FlinkJob", name, custom=False) for name in ("one", "two")]
    flink = [thing(f"flink-{job.name}", parent=job.urn, kind="FlinkDeployment") for job in jobs]
    timeline = ran(Recording((*jobs, *flink)), *((one.urn, 0, 2) for one in flink))
    assert {span.group for span in timeline.spans.values()} == {"2 FlinkJob in flink"}


def test_what_did_not_run_is_left_out():
    timeline = ran(Recording((thing("a"), thing("never", "a"))), ("a", 0, 1))
    assert [span.title for span in timeline.spans.values()] == ["ConfigMap flink/a"]
    assert "where the time went" in ran(Recording(())).text()


def test_steps_in_a_row_are_one_path():
    timeline = in_a_row([("cluster", 1.0), ("image", 2.0), ("job", 4.0)])
    assert [(span.title, span.begin, span.end) for span in timeline.path()] == [
        ("cluster", 0, 1),
        ("image", 1, 3),
        ("job", 3, 7),
    ]
    assert timeline.total == 7
