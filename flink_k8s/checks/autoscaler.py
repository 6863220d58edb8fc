"""The operator's rules for the autoscaler; they apply if `job.autoscaler.enabled` is true."""

from __future__ import annotations

import re

from flink_k8s.checks.configuration import is_on
from flink_k8s.checks.subject import Subject
from flink_k8s.facts import tables, versions
from flink_k8s.facts.units import duration, number

_TARGET = "job.autoscaler.utilization.target"
_OLD_TARGET = "job.autoscaler.target.utilization"
_PERIODS = "job.autoscaler.excluded.periods"
_WINDOW = "job.autoscaler.metrics.window"
_INTERVAL = "kubernetes.operator.reconcile.interval"

_COEFFICIENT = "job.autoscaler.observed-scalability.coefficient-min"
_FEATURES = (
    ("job.autoscaler.memory.gc-pressure.threshold", None, 0.0, 1.0),
    ("job.autoscaler.memory.heap-usage.threshold", None, 0.0, 1.0),
    (_COEFFICIENT, "job.autoscaler.observed-scalability.enabled", 0.01, 1.0),
    (
        "job.autoscaler.scaling.effectiveness.threshold",
        "job.autoscaler.scaling.effectiveness.detection.enabled",
        0.0,
        1.0,
    ),
    ("job.autoscaler.memory.tuning.overhead", "job.autoscaler.memory.tuning.enabled", 0.0, 1.0),
)
"""Key, the switch that must be on, minimum, maximum; see `OperatorVersion.checks_autoscaler_features`."""


def check(subject: Subject) -> None:
    """The options of the autoscaler."""
    if not is_on(subject, "job.autoscaler.enabled", default=False):
        return
    has = tables.operator_options(subject.operator)
    for key in ("job.autoscaler.scale-down.max-factor", "job.autoscaler.scale-up.max-factor"):
        _within(subject, key, 0.0, None)
    _within(subject, "job.autoscaler.target.utilization.boundary", 0.0, None)
    if _TARGET in has:
        target = _within(subject, _TARGET, 0.0, 1.0, older=_OLD_TARGET)
        middle = 0.7 if target is None else target
        _within(subject, "job.autoscaler.utilization.max", middle, 1.0)
        _within(subject, "job.autoscaler.utilization.min", 0.0, middle)
    else:
        _within(subject, _OLD_TARGET, 0.0, None)
    if _PERIODS in has:
        for period in filter(None, (part.strip() for part in subject.text(_PERIODS).split(";"))):
            if not _is_period(period):
                remedy = 'write "9:30-10:30", a Quartz cron expression, or both with && between'
                subject.report_option(_PERIODS, f'contains the invalid period "{period}"; {remedy}')
    if versions.operator_version(subject.operator).checks_autoscaler_features:
        for key, switch, low, high in _FEATURES:
            if switch is None or is_on(subject, switch, default=False):
                _within(subject, key, low, high)
        _window(subject)
    elif _COEFFICIENT in has:
        _within(subject, _COEFFICIENT, 0.01, 1.0)


def _within(subject: Subject, key: str, low: float, high: float | None, *, older: str | None = None) -> float | None:
    """The number that the option is set to; None if it is not set, or out of range, which is reported."""
    setting = subject.option(key) or (subject.option(older) if older else None)
    if setting is None:
        return None
    try:
        value = number(setting[1])
    except ValueError as error:
        subject.report_option(setting[0], f'is "{setting[1]}"; {error}')
        return None
    if value < low or (high is not None and value > high):
        allowed = f"from {low} to {high}" if high is not None else f"of at least {low}"
        subject.report_option(setting[0], f"is {setting[1]}, which is out of range; write a number {allowed}")
        return None
    return value


def _window(subject: Subject) -> None:
    seconds: dict[str, float] = {_WINDOW: 900.0, _INTERVAL: 60.0}
    for key in seconds:
        setting = subject.option(key)
        if setting is not None:
            try:
                seconds[key] = duration(setting[1])
            except ValueError as error:
                subject.report_option(setting[0], f'is "{setting[1]}"; {error}')
                return
    if seconds[_WINDOW] < seconds[_INTERVAL]:
        message = f"is shorter than {_INTERVAL}, so the autoscaler never scales; increase it"
        subject.report_option(_WINDOW, message)


_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?::(\d{1,3}))?)?")
_CRON_FIELD = re.compile(r"[\d*/?,\-A-Za-z#]+")


def _is_period(text: str) -> bool:
    parts = [part.strip() for part in text.split("&&")]
    daily = [_is_daily(part) for part in parts]
    cron = [_is_cron(part) for part in parts]
    if len(parts) > 2 or not all(is_daily or is_cron for is_daily, is_cron in zip(daily, cron, strict=True)):
        return False
    return len(parts) == 1 or (any(daily) and any(cron))


def _is_daily(text: str) -> bool:
    ends = [_TIME.fullmatch(end.strip()) for end in text.split("-")]
    if len(ends) != 2 or None in ends:
        return False
    times: list[tuple[int, ...]] = []
    for end in ends:
        assert end is not None
        hour, minute, second, milli = (int(part or 0) for part in end.groups())
        if hour > 23 or minute > 59 or second > 59:
            return False
        times.append((hour, minute, second, milli))
    return times[0] < times[1]


def _is_cron(text: str) -> bool:
    """Quartz: six or seven fields; exactly one of day of month and day of week is `?`."""
    fields = text.split()
    if len(fields) not in (6, 7) or not all(_CRON_FIELD.fullmatch(field) for field in fields):
        return False
    return (fields[3] == "?") != (fields[5] == "?")
