"""Prices of CPU, memory and storage, and the cost of requests."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from flink_k8s.config.problems import Problem, ProblemsError, nearest
from flink_k8s.config.stack_file import read_overlay
from flink_k8s.resolve.quota_usage import Requests

_HOURS = 730
"""Hours of a month."""

_AMOUNTS = ("cpu", "memory", "storage")


@dataclass(frozen=True)
class Prices:
    """Prices for an hour.

    Attributes:
        currency: that costs are shown in.
        cpu: of one CPU.
        memory: of one GiB of memory.
        storage: of one GiB of storage.
    """

    currency: str
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    storage: Decimal = Decimal(0)

    def of_month(self, requests: Requests) -> Decimal:
        """The cost of requests for a month."""
        hourly = requests.cpu * self.cpu
        hourly += Decimal(requests.memory) / 2**30 * self.memory
        hourly += Decimal(requests.storage) / 2**30 * self.storage
        return hourly * _HOURS

    def shown(self, requests: Requests) -> str:
        """The cost for a month as text; with `>` if a size is unknown."""
        return f"{'' if requests.is_whole else '> '}{self.of_month(requests):,.2f} {self.currency}"


def read_prices(file: Path) -> Prices:
    """Read a file with the keys `currency`, `cpu`, `memory` and `storage`.

    Raises:
        ProblemsError: with all problems of the file.
    """
    document = read_overlay(file)
    values = cast("dict[str, object]", document.value)
    problems: list[Problem] = []

    def report(key: str, message: str) -> None:
        problems.append(Problem(str(file), document.line((key,)), key, message))

    known = ("currency", *_AMOUNTS)
    for key in values:
        if key not in known:
            report(key, f"unknown field; {nearest(key, known)}")
    currency = values.get("currency")
    if not isinstance(currency, str) or not currency.strip():
        report("currency", "is missing or not text; write a currency such as EUR")
    amounts: dict[str, Decimal] = {}
    for key in _AMOUNTS:
        amount = values.get(key, 0)
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < 1_000_000:
            report(key, "is not a price; write the price for an hour as a number of at least 0")
        else:
            amounts[key] = Decimal(str(amount))
    if problems:
        raise ProblemsError(problems)
    return Prices(str(currency), **amounts)
