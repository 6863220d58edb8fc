"""Rows of results: the cost of a piece of work, compared with a peer in the same run if one exists."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dev.bench.measure import Cost


@dataclass(frozen=True)
class Row:
    """A measured piece of work.

    Attributes:
        part: `a`, `b` …
        work: that was measured.
        jobs: number of jobs.
        command: of this project.
        ours: cost of the command.
        peer: that it is compared with; empty if there is none.
        theirs: cost of the peer.
    """

    part: str
    work: str
    jobs: int
    command: str
    ours: Cost
    peer: str = ""
    theirs: Cost | None = None

    @property
    def time_ratio(self) -> float | None:
        """The wall time as a multiple of the peer's; None without one."""
        return _ratio(self.ours.wall, self.theirs and self.theirs.wall)

    @property
    def cpu_ratio(self) -> float | None:
        """The CPU time as a multiple of the peer's; other work on the machine affects it least."""
        return _ratio(self.ours.cpu, self.theirs and self.theirs.cpu)

    @property
    def memory_ratio(self) -> float | None:
        """The memory as a multiple of the peer's."""
        return _ratio(self.ours.megabytes, self.theirs and self.theirs.megabytes)

    def as_json(self) -> dict[str, Any]:
        """The row with its ratios."""
        ratios = {"time_ratio": self.time_ratio, "cpu_ratio": self.cpu_ratio, "memory_ratio": self.memory_ratio}
        return {**asdict(self), **{name: ratio and round(ratio, 2) for name, ratio in ratios.items()}}


def _ratio(ours: float, theirs: float | None) -> float | None:
    return ours / theirs if theirs else None


@dataclass(frozen=True)
class Skipped:
    """A part or a row that was not measured, with the reason."""

    part: str
    reason: str
