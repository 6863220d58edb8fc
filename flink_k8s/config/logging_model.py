"""The logging part of the stack config: a store for the logs of pods."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field

from flink_k8s.config.base import Model, Name, scalar_text
from flink_k8s.config.monitoring import Size
from flink_k8s.facts import versions

LOG_SERVICE = "victoria-logs"
"""Name of the store's release and Service."""

LOG_PORT = 9428

_RETENTION = re.compile(r"[1-9]\d*(d|w|y)")


def _retention(value: str) -> str:
    if not _RETENTION.fullmatch(value):
        raise ValueError('is not a number of days, weeks or years; write "14d", "4w" or "1y"')
    return value


class LogStorage(Model):
    """The volume of the log store. It exists until the stack is destroyed."""

    size: Size = Field(default="10Gi", description="Size of the volume as a Kubernetes quantity.")
    storage_class: str | None = Field(default=None, description="StorageClass; not set: the cluster's default.")


class LoggingSettings(Model):
    """VictoriaLogs and its collector: they store the logs of jobs and the operator."""

    enabled: bool = Field(default=False, description="Install the log store and a collector on each node.")
    namespace: Name = Field(default="logging", description="Namespace of both, owned by the stack.")
    version: str = Field(default=versions.LOG_STORE.version, description="Version of the store's chart.")
    collector_version: str = Field(
        default=versions.LOG_COLLECTOR.version, description="Version of the collector's chart."
    )
    retention: Annotated[str, BeforeValidator(scalar_text), AfterValidator(_retention)] = Field(
        default="14d", description="Time that a line is stored: 14d, 4w, 1y."
    )
    storage: LogStorage = Field(default=LogStorage(), description="Volume of the log store.")
    link: str | None = Field(
        default=None,
        description="URL of a job's logs in links of the dashboards; ${namespace} and ${job} are replaced by those of"
        " the job. Not set: VictoriaLogs at the address of `make monitor` if `enabled`, else no link.",
    )
    values: dict[str, Any] = Field(
        default={}, description="Values of the store's chart, merged over those of the platform."
    )
    collector_values: dict[str, Any] = Field(
        default={}, description="Values of the collector's chart, merged over those of the platform."
    )

    @property
    def job_link(self) -> str | None:
        """URL of a job's logs, with the variables of a dashboard; None without a store."""
        if self.link or not self.enabled:
            return self.link
        query = quote('"kubernetes.pod_namespace":="${namespace}" "kubernetes.pod_labels.app":="${job}"', safe="${}")
        last_hour = "g0.range_input=1h&g0.relative_time=last_1_hour"
        return f"http://localhost:{LOG_PORT}/select/vmui/#/?query={query}&{last_hour}"
