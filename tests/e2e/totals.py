"""Whether the running totals' output has each record once: a definition of its own, not the job's functions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(r"(\d+)\t(\d+)\t(\d+)\t(\d+)")


@dataclass(frozen=True)
class Audit:
    """The result of an audit of the output.

    Attributes:
        records: how many lines it has.
        highest: the highest number in it, 0 when it is empty.
        lost: numbers that are in no line although a later one of their key is.
        doubled: numbers that are in more than one line.
        wrong: lines that no run can have written: not a line of totals, or others than the number's.
        tail: numbers below the highest that are missing, but with nothing of their key behind them: not written yet.
    """

    records: int
    highest: int
    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    wrong: tuple[str, ...]
    tail: tuple[int, ...]

    @property
    def is_exact(self) -> bool:
        """Whether every key's numbers are there from its first to its last, each once, with their right totals."""
        return not (self.lost or self.doubled or self.wrong)

    @property
    def is_whole(self) -> bool:
        """Whether the output is that of the numbers 1 to the highest, no more and no less: that of a job at rest."""
        return self.is_exact and not self.tail

    def __str__(self) -> str:
        items = [f"{self.records} lines", f"highest {self.highest}"]
        for name in ("lost", "doubled", "wrong", "tail"):
            actual = getattr(self, name)
            items.append(f"{len(actual)} {name}" + (f" {list(actual[:5])}" if actual else ""))
        return ", ".join(items)


def audit(lines: Iterable[str], keys: int = 10) -> Audit:
    """Audits the lines of an output, in any order, for that number of keys."""
    records = 0
    wrong: list[str] = []
    actual: Counter[int] = Counter()
    last: dict[int, int] = defaultdict(int)
    for line in lines:
        records += 1
        match = _LINE.fullmatch(line)
        if match is None:
            wrong.append(line)
            continue
        key, number, count, total = map(int, match.groups())
        # The i-th number of a key is i * keys away from its first, which is the key itself, or `keys` for key 0.
        first = key or keys
        if number < 1 or (number % keys, (number - first) // keys + 1, count * (first + number) // 2) != (
            key,
            count,
            total,
        ):
            wrong.append(line)
            continue
        actual[number] += 1
        last[key] = max(last[key], number)
    highest = max(last.values(), default=0)
    missing = [number for number in range(1, highest + 1) if number not in actual]
    return Audit(
        records=records,
        highest=highest,
        lost=tuple(number for number in missing if number < last[number % keys]),
        doubled=tuple(sorted(number for number, times in actual.items() if times > 1)),
        wrong=tuple(wrong),
        tail=tuple(number for number in missing if number > last[number % keys]),
    )
