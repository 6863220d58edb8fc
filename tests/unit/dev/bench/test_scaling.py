"""The run of the autoscaler: its load, the steps of the parallelism, and the plot."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from dev.bench.lines import Panel, chart
from dev.bench.scaling import Result, Sample, panels, rate_at

LOAD = ((0, 60), (100, 60), (200, 460), (300, 60))


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(-1, 60), (0, 60), (50, 60), (100, 60), (150, 260), (200, 460), (250, 260), (300, 60), (900, 60)],
)
def test_the_rate_changes_evenly_between_two_points(seconds: float, rate: float) -> None:
    assert rate_at(LOAD, seconds) == pytest.approx(rate)


def samples() -> list[Sample]:
    values = [(0, 1), (5, 1), (10, None), (15, 4), (20, 4), (25, 2)]
    return [Sample(seconds, 60, None if value is None else 10, value, 1) for seconds, value in values]


def test_steps_are_the_first_parallelism_and_each_change() -> None:
    assert Result(samples(), [], 0).steps == [(0, 1), (15, 4), (25, 2)]


def test_the_plot_omits_the_time_of_a_restart() -> None:
    titles = [panel.title for panel in panels(Result(samples(), [], 0))]
    assert titles == ["orders per second", "orders that are not read yet (lag)", "parallelism"]
    _, lag, parallelism = panels(Result(samples(), [], 0))
    assert len(lag.lines["lag"]) == 5
    assert [value for _, value in parallelism.lines["subtasks of the vertex"]] == [1, 1, 4, 4, 2]


def test_a_chart_is_svg_with_a_line_and_a_name_for_each_series() -> None:
    steps = Panel("a <b>", {"steps": [(0, 1), (10, 3)], "flat": [(0, 0), (10, 0)]}, is_stepped=True)
    root = ElementTree.fromstring(chart("minutes", [Panel("values", {"line": [(0, 0), (10, 950)]}), steps]))
    space = "{http://www.w3.org/2000/svg}"
    lines = [path.get("d") or "" for path in root.iter(f"{space}path") if path.get("fill") == "none"]
    assert len(lines) == 3
    assert "L" in lines[0]
    assert "V" in lines[1]
    texts = [text.text for text in root.iter(f"{space}text")]
    assert {"a <b>", "values", "line", "steps", "flat", "0 minutes", "10", "1000"} <= set(texts)
