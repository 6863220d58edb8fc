"""A chart of values over time as SVG: panels with a common axis of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_Point = tuple[float, float]
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 780, 190, 60, 170, 30, 30
_COLOURS = ("#1f6feb", "#d1495b", "#2a9d5c")
_LINES = 4
"""Horizontal lines of a panel, at most."""


@dataclass(frozen=True)
class Panel:
    """Lines with a common axis.

    Attributes:
        title: with the unit of the values.
        lines: points (time, value) by name.
        is_stepped: whether a value remains until the next one.
    """

    title: str
    lines: Mapping[str, Sequence[_Point]]
    is_stepped: bool = False


def chart(unit: str, panels: Sequence[Panel]) -> str:
    """The panels, one below the other.

    Args:
        unit: of the time.
        panels: each with at least one point.
    """
    end = max(time for panel in panels for points in panel.lines.values() for time, _ in points)
    height = _HEIGHT * len(panels)
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        drawn += [f'<g transform="translate(0 {number * _HEIGHT})">', *_drawn(panel, unit, end), "</g>"]
    return "\n".join([*drawn, "</svg>", ""])


def _drawn(panel: Panel, unit: str, end: float) -> list[str]:
    highest = max(value for points in panel.lines.values() for _, value in points)
    step = _step(highest)
    top = step * max(-(-highest // step), 1)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def at(time: float, value: float) -> _Point:
        return _LEFT + time / (end or 1) * (right - _LEFT), bottom - value / top * (bottom - _TOP)

    drawn = [f'<text x="{_LEFT}" y="18">{escape(panel.title)}</text>']
    for number in range(int(top / step) + 1):
        _, y = at(0, number * step)
        drawn.append(f'<path d="M{_LEFT} {y:.0f}H{right}" stroke="#e0e0e0"/>')
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{number * step:g}</text>')
    for time in range(0, int(end) + 1, int(_step(end, 8)) or 1):
        x, _ = at(time, 0)
        text = f"{time} {unit}" if time == 0 else str(time)
        drawn.append(f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{escape(text)}</text>')
    for number, (name, points) in enumerate(panel.lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        drawn.append(f'<path d="{_path(panel, points, at)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="{right + 12}" y="{_TOP + 12 + 18 * number}" fill="{colour}">{escape(name)}</text>')
    return drawn


def _path(
    panel: Panel, points: Sequence[tuple[float, float]], at: Callable[[float, float], tuple[float, float]]
) -> str:
    parts: list[str] = []
    for time, value in points:
        x, y = at(time, value)
        if not parts:
            parts.append(f"M{x:.1f} {y:.1f}")
        else:
            parts.append(f"H{x:.1f}V{y:.1f}" if panel.is_stepped else f"L{x:.1f} {y:.1f}")
    return "".join(parts)


def _step(highest: float, lines: int = _LINES) -> float:
    """The distance of lines: 1, 2 or 5 times a power of ten."""
    exponent = 0
    while 10**exponent * lines < highest:
        exponent += 1
    steps = [base * 10.0**power for power in (exponent - 1, exponent) for base in (1, 2, 5)]
    return next((step for step in steps if step * lines >= highest), steps[-1])
