"""The Prometheus reporters that a Flink cluster starts, and their ports."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.resolve.job_spec import METRICS_PORT, PROMETHEUS_REPORTER

PREFIX = "metrics.reporter."
LIST = "metrics.reporters"
REPORTER = "prom"
"""The reporter that the platform derives: `resolve.job_spec`."""

_FACTORY = f"{PREFIX}{REPORTER}.factory.class"
_CLASSES = (PROMETHEUS_REPORTER, PROMETHEUS_REPORTER.removesuffix("Factory"))


def listed_reporters(configuration: Mapping[str, str]) -> list[str]:
    """The names in `metrics.reporters`: Flink starts only these reporters if the list is not empty."""
    return [name.strip() for name in configuration.get(LIST, "").replace(";", ",").split(",") if name.strip()]


def prometheus_ports(configuration: Mapping[str, str]) -> dict[str, str]:
    """Port, or range of ports, of each Prometheus reporter that starts, by its name."""
    names = [
        key.removeprefix(PREFIX).partition(".")[0]
        for key, value in configuration.items()
        if key.startswith(PREFIX) and key.endswith((".factory.class", ".class")) and value.strip() in _CLASSES
    ]
    listed = listed_reporters(configuration)
    return {
        name: configuration.get(f"{PREFIX}{name}.port", str(METRICS_PORT)).strip()
        for name in names
        if not listed or name in listed
    }


def metrics_port(configuration: Mapping[str, str]) -> int:
    """The port of the reporter that Prometheus reads: the platform's, or the first that the job starts instead."""
    ports = prometheus_ports({_FACTORY: PROMETHEUS_REPORTER, **configuration})
    port = ports.get(REPORTER) or next(iter(ports.values()), "")
    first = port.partition("-")[0].strip()
    return int(first) if first.isdecimal() and 0 < int(first) < 65536 else METRICS_PORT
