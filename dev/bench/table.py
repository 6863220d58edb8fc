"""Rows of results: each compares this project with a peer for a piece of work in the same run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dev.bench.measure import Cost


@dataclass(frozen=True)
class Row:
    """A comparison.

    Attributes:
        part: `a`, `b` …
        work: that was measured.
        jobs: number of jobs.
        command: of this project.
        ours: cost of the command.
        peer: that it is compared with.
        theirs: cost of the peer.
    """

    part: str
    work: str
    jobs: int
    command: str
    ours: Cost
    peer: str
    theirs: Cost

    @property
    def time_ratio(self) -> float:
        """The wall time as a multiple of the peer's."""
        return self.ours.wall / self.theirs.wall

    @property
    def cpu_ratio(self) -> float:
        """The CPU time as a multiple of the peer's; other work on the machine affects it least."""
        return self.ours.cpu / self.theirs.cpu

    @property
    def memory_ratio(self) -> float:
        """The memory as a multiple of the peer's."""
        return self.ours.megabytes / self.theirs.megabytes

    def as_json(self) -> dict[str, Any]:
        """The row with its ratios."""
        ratios = {"time_ratio": self.time_ratio, "cpu_ratio": self.cpu_ratio, "memory_ratio": self.memory_ratio}
        return {**asdict(self), **{name: round(ratio, 2) for name, ratio in ratios.items()}}


@dataclass(frozen=True)
class Skipped:
    """A part or a row that was not measured, with the reason."""

    part: str
    reason: str
