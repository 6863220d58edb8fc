"""What was measured, as rows: each a piece of work, done by this project and by a peer in the same run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dev.bench.measure import Cost


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        part: `a`, `b` …
        work: what was done.
        jobs: how many.
        command: what did it here.
        ours: its cost.
        peer: what it is compared with.
        theirs: the peer's cost.
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
        """How many times the peer's wall time."""
        return self.ours.wall / self.theirs.wall

    @property
    def cpu_ratio(self) -> float:
        """How many times the peer's CPU time; other work on the machine changes it least."""
        return self.ours.cpu / self.theirs.cpu

    @property
    def memory_ratio(self) -> float:
        """How many times the peer's memory."""
        return self.ours.megabytes / self.theirs.megabytes

    def as_json(self) -> dict[str, Any]:
        """With its ratios."""
        ratios = {"time_ratio": self.time_ratio, "cpu_ratio": self.cpu_ratio, "memory_ratio": self.memory_ratio}
        return {**asdict(self), **{name: round(ratio, 2) for name, ratio in ratios.items()}}


@dataclass(frozen=True)
class Skipped:
    """A part or a row that was not measured, and why."""

    part: str
    reason: str
