"""Reads values as Flink, Kubernetes and the operator read them: sizes, durations, booleans, quantities.

Each function raises a ValueError with a remedy if its reader refuses the text.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, localcontext
from math import inf

_MEMORY = re.compile(r"([0-9]+)\s*(.*)", re.DOTALL)
_MEMORY_UNITS = {
    1: ("", "b", "bytes"),
    1024: ("k", "kb", "kibibytes"),
    1024**2: ("m", "mb", "mebibytes"),
    1024**3: ("g", "gb", "gibibytes"),
    1024**4: ("t", "tb", "tebibytes"),
}
_BYTES = {unit: factor for factor, units in _MEMORY_UNITS.items() for unit in units}
_LONG = 2**63

_QUANTITY = re.compile(r"([+-]?[0-9.]+)(.*)", re.DOTALL)
_QUANTITY_UNITS = {
    "": Decimal(1),
    **{f"{letter}i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000**power) for power, letter in enumerate("kMGTPE", start=1)},
    "m": Decimal("0.001"),
    "u": Decimal("0.000001"),
    "n": Decimal("0.000000001"),
}

_SHORT_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_GO_DURATION = re.compile(r"0|(\d+(\.\d+)?(h|m|s))+")

_SECONDS = {
    86400.0: ("d", "day", "days"),
    3600.0: ("h", "hour", "hours"),
    60.0: ("min", "m", "minute", "minutes"),
    1.0: ("s", "sec", "secs", "second", "seconds"),
    1e-3: ("ms", "milli", "millis", "millisecond", "milliseconds"),
    1e-6: ("µs", "micro", "micros", "microsecond", "microseconds"),
    1e-9: ("ns", "nano", "nanos", "nanosecond", "nanoseconds"),
}
_DURATION_UNITS = {unit: factor for factor, units in _SECONDS.items() for unit in units}
_ISO_DURATION = re.compile(
    r"([+-])?P(?:([+-]?\d+)D)?(?:T(?=[+-]?\d)(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+)(?:[.,](\d{0,9}))?S)?)?",
    re.IGNORECASE,
)

SIZE = 'write a size such as "2048m" or "4g"'
QUANTITY = 'write a quantity such as "500m", "2" or "4Gi"'
DURATION = 'write a duration such as "30 s", "10 min" or "6 h"'


def memory(text: str) -> int:
    """Bytes of Flink's MemorySize: `2048m`, `4 gb`, `1024`."""
    match = _MEMORY.fullmatch(text.strip())
    factor = _BYTES.get(match.group(2).strip().lower()) if match else None
    if match is None or factor is None or int(match.group(1)) * factor >= _LONG:
        raise ValueError(SIZE)
    return int(match.group(1)) * factor


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity as the operator's client reads it: `500m`, `2`, `4Gi`, `1e3`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(QUANTITY)
    amount, unit = match.groups()
    with localcontext() as context:
        context.prec = 200
        try:
            if re.fullmatch(r"[eE][+-]?[0-9]+", unit) and abs(int(unit[1:])) < 100:
                return Decimal(amount) * Decimal(10) ** int(unit[1:])
            return Decimal(amount) * _QUANTITY_UNITS[unit]
        except (InvalidOperation, KeyError):
            raise ValueError(QUANTITY) from None


def resource_memory(text: str) -> int:
    """Bytes of a resource's memory: in Flink's format, else in Kubernetes' format in capitals, without a fraction."""
    try:
        return memory(text)
    except ValueError:
        pass
    capitals = re.sub(r"\s", "", text).upper().removesuffix("B")
    try:
        amount = quantity(capitals[:-1] + "i" if capitals.endswith("I") else capitals)
    except ValueError:
        raise ValueError(SIZE) from None
    # The operator passes the text that Java prints, and Flink accepts only digits: no fraction, no 1.0E18, no sign.
    digits = format(amount, "f")
    if not digits.isascii() or not digits.isdigit() or amount >= 10**18:
        raise ValueError(SIZE)
    return int(digits)


def boolean(text: str) -> bool:
    """`true` or `false` in any case."""
    lower = text.lower()
    if lower not in ("true", "false"):
        raise ValueError('write "true" or "false"')
    return lower == "true"


def duration(text: str) -> float:
    """Seconds of Flink's durations: `30 s`, `10min`, `1000` (milliseconds), `PT10M`."""
    match = re.fullmatch(r"([0-9]+)\s*(.*)", text.strip(), re.DOTALL)
    if match is not None:
        unit = match.group(2).strip().lower()
        factor = 1e-3 if not unit else _DURATION_UNITS.get(unit)
        if factor is not None and int(match.group(1)) < _LONG:
            return int(match.group(1)) * factor
    iso = _ISO_DURATION.fullmatch(text.strip())
    if iso is not None and any(iso.groups()[1:]):
        sign, days, hours, minutes, seconds, _ = iso.groups()
        total = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        return float(-total if sign == "-" else total)
    raise ValueError(DURATION)


def seconds(text: str) -> int:
    """Seconds of the stack config's durations, which Go and Prometheus read, too: `90s`, `10m`, `1h30m`."""
    match = _SHORT_DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError('is not a duration; write a duration such as "90s", "10m" or "1h30m"')
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def is_go_duration(text: str) -> bool:
    """Whether Go reads it as a duration: `1h`, `1.5m`, `0`."""
    return _GO_DURATION.fullmatch(text) is not None


def number(text: str) -> float:
    """A decimal number as Java reads a Double."""
    stripped = text.strip()
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?|[+-]?(NaN|Infinity)", stripped, re.ASCII):
        raise ValueError("write a number")
    return float(stripped if stripped.endswith(("N", "y")) else stripped.rstrip("fFdD"))


def limit_factor(text: str) -> Decimal:
    """The factor by which Flink multiplies a request of CPU or memory to get the limit: a number of at least 1."""
    remedy = 'write a number of at least 1, such as "4"'
    try:
        factor = number(text)
    except ValueError:
        raise ValueError(remedy) from None
    if not 1 <= factor < inf:  # nor NaN
        raise ValueError(remedy)
    return Decimal(str(factor))
