"""The stack config's part about monitoring: the Prometheus stack, dashboards, and when an alert fires."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from flink_k8s.config.base import Duration, Model, Name
from flink_k8s.facts import versions
from flink_k8s.facts.units import quantity, seconds

AlertName = Literal[
    "FlinkJobFailed",
    "FlinkJobNotStable",
    "FlinkJobMissing",
    "FlinkJobRestarts",
    "FlinkCheckpointsFailing",
    "FlinkCheckpointStale",
    "FlinkBackPressure",
    "FlinkHeapFull",
    "FlinkInternalCertificateOld",
    "FlinkTargetsMissing",
    "FlinkOperatorAbsent",
    "FlinkReconcileErrors",
]
"""Every alert; each has a page in docs/runbooks."""

GRAFANA_SECRET = "grafana-admin"
"""The Secret that the program makes with Grafana's user and password."""

_AGE = re.compile(r"(?=.)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?")


def _age(value: str) -> str:
    if not _AGE.fullmatch(value):
        raise ValueError('is no age; write it like "12h", "10d" or "4w"')
    return value


def _size(value: str) -> str:
    if quantity(value) < 2**20:
        raise ValueError('is too small for a volume; write it like "50Gi"')
    return value


def _window(value: str) -> str:
    # The chart's Prometheus scrapes every 30 s, and a rate needs two scrapes, one of which may fail.
    if seconds(value) < 120:
        raise ValueError('is too short to count in; write "2m" or more')
    return value


Age = Annotated[str, AfterValidator(_age)]
Size = Annotated[str, AfterValidator(_size)]
Window = Annotated[Duration, AfterValidator(_window)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class PrometheusStorage(Model):
    """A volume for what Prometheus has measured. Without one it is gone with its pod."""

    size: Size = Field(description="Size of the volume, as Kubernetes writes it: 50Gi.")
    storage_class: str | None = Field(default=None, description="StorageClass; the cluster's default when not set.")


class Alerts(Model):
    """When alerts fire. Each alert has a page in docs/runbooks."""

    enabled: bool = Field(default=True, description="Make alert rules.")
    off: list[AlertName] = Field(default=[], description="Alerts that this environment does without.")
    labels: dict[str, str] = Field(
        default={}, description="Labels of every alert, by which Alertmanager finds who is to know: {team: data}."
    )
    runbooks: str = Field(
        default="docs/runbooks", description="Where the runbooks are read: the URL of docs/runbooks on your Git server."
    )
    failed_for: Duration = Field(default="1m", description="How long a job is FAILED before FlinkJobFailed fires.")
    not_stable_for: Duration = Field(
        default="10m", description="How long a job may take to get stable, or to run again, before FlinkJobNotStable."
    )
    missing_for: Duration = Field(
        default="10m", description="How long declared resources are missing in the cluster before FlinkJobMissing."
    )
    restarts: Count = Field(default=3, description="Restarts of a job within restartsWithin that are too many.")
    restarts_within: Window = Field(default="15m", description="Time in which restarts are counted.")
    failed_checkpoints: Count = Field(
        default=3, description="Failed checkpoints of a job within failedCheckpointsWithin that are too many."
    )
    failed_checkpoints_within: Window = Field(default="15m", description="Time in which they are counted.")
    checkpoint_age: Window = Field(
        default="30m",
        description="How old a job's last completed checkpoint may get; more than its checkpoint interval.",
    )
    back_pressure: Share = Field(
        default=0.5, description="Share of its time that a task may be held up by those after it: 0.5 is half of it."
    )
    back_pressure_for: Duration = Field(default="15m", description="How long, before FlinkBackPressure fires.")
    heap: Share = Field(default=0.9, description="Share of the maximum heap that a process may use.")
    heap_for: Duration = Field(default="15m", description="How long, without a break, before FlinkHeapFull fires.")
    certificate_age: Duration = Field(
        default="5760h",
        description="How long a process with TLS by `internalTls` may run before FlinkInternalCertificateOld; less than"
        " every job's `renewBefore`.",
    )
    targets_missing_for: Duration = Field(
        default="10m", description="How long Prometheus reads fewer pods than there are before FlinkTargetsMissing."
    )
    operator_absent_for: Duration = Field(
        default="5m", description="How long the operator does not answer Prometheus before FlinkOperatorAbsent."
    )
    reconcile_errors: Count = Field(
        default=5, description="Failed reconciliations of a resource within reconcileErrorsWithin that are too many."
    )
    reconcile_errors_within: Window = Field(default="15m", description="Time in which they are counted.")


class PrometheusSettings(Model):
    """kube-prometheus-stack: Prometheus, Alertmanager, Grafana and their operator."""

    enabled: bool = Field(default=True, description="Install it; false: the cluster has it.")
    monitors: bool = Field(
        default=True,
        description="Make PodMonitors, alert rules and dashboards; false for a cluster without a Prometheus operator.",
    )
    version: str = Field(default=versions.PROMETHEUS.version, description="Version of the chart.")
    namespace: Name = Field(
        default="monitoring",
        description="Its namespace, owned by the stack; where the cluster has it, the one that its Prometheus is in.",
    )
    labels: dict[str, str] = Field(
        default={},
        description="Labels that a Prometheus which is in the cluster already wants on its PodMonitors and rules.",
    )
    retention: Age = Field(default="10d", description="How long Prometheus keeps what it has measured: 12h, 10d, 4w.")
    storage: PrometheusStorage | None = Field(
        default=None, description="Volume of Prometheus; not set: what it has measured is gone with its pod."
    )
    grafana_secret: str | None = Field(
        default=None,
        description="Secret in its namespace with admin-user and admin-password of Grafana; not set: the program makes"
        " one, with a random password.",
    )
    dashboards: bool = Field(default=True, description="Make Grafana's dashboards.")
    flink_ui: str = Field(
        default="http://localhost:8081",
        description="Address of Flink's web interface in the dashboards' links, ${namespace} and ${job} standing for"
        " the job's; the default is where `make ui` has it.",
    )
    alerts: Alerts = Field(default=Alerts(), description="Which alerts there are, and when they fire.")
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over the platform's.")

    @property
    def admin_secret(self) -> str:
        """The Secret with Grafana's user and password, whoever made it."""
        return self.grafana_secret or GRAFANA_SECRET
