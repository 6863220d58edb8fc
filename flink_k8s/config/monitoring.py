"""The monitoring part of the stack config: the Prometheus stack, dashboards and alerts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from flink_k8s.config.base import Duration, Model, Name, scalar_text
from flink_k8s.facts import versions
from flink_k8s.facts.units import quantity, seconds

AlertName = Literal[
    "FlinkJobFailed",
    "FlinkJobNotStable",
    "FlinkJobMissing",
    "FlinkJobRestarts",
    "FlinkCheckpointsFailing",
    "FlinkCheckpointStale",
    "FlinkCheckpointGrows",
    "FlinkSavepointOld",
    "FlinkBackPressure",
    "FlinkSourceLag",
    "FlinkHeapFull",
    "FlinkMemoryNearLimit",
    "FlinkOutOfMemory",
    "FlinkInternalCertificateOld",
    "FlinkCertificateNotRenewed",
    "FlinkAutoscalerBlocked",
    "FlinkAutoscalerLimit",
    "FlinkAutoscalerFlaps",
    "FlinkTargetsMissing",
    "FlinkOperatorAbsent",
    "FlinkReconcileErrors",
    "FlinkReconcileLag",
]
"""Every alert; each has a page in docs/runbooks."""

GRAFANA_SECRET = "grafana-admin"
"""The Secret with Grafana's user and password that the program creates."""

_AGE = re.compile(r"(?=.)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?")


def _age(value: str) -> str:
    if not _AGE.fullmatch(value):
        raise ValueError('is not an age; write an age such as "12h", "10d" or "4w"')
    return value


def _size(value: str) -> str:
    if quantity(value) < 2**20:
        raise ValueError('is too small for a volume; write a size such as "50Gi"')
    return value


def _window(value: str) -> str:
    # The chart's Prometheus scrapes every 30 s. A rate requires two scrapes, and one scrape may fail.
    if seconds(value) < 120:
        raise ValueError('is too short for a rate of metrics; write at least "2m"')
    return value


Age = Annotated[str, BeforeValidator(scalar_text), AfterValidator(_age)]
Size = Annotated[str, BeforeValidator(scalar_text), AfterValidator(_size)]
Window = Annotated[Duration, AfterValidator(_window)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=1)]


class PrometheusStorage(Model):
    """A volume for the data of Prometheus. Without a volume, the data is lost with the pod."""

    size: Size = Field(description="Size of the volume as a Kubernetes quantity: 50Gi.")
    storage_class: str | None = Field(default=None, description="StorageClass; not set: the cluster's default.")


class Alerts(Model):
    """Thresholds of alerts. Each alert has a page in docs/runbooks."""

    enabled: bool = Field(default=True, description="Create alert rules.")
    off: list[AlertName] = Field(default=[], description="Alerts that are disabled in this environment.")
    labels: dict[str, str] = Field(
        default={}, description="Labels of all alerts, by which Alertmanager routes them: {team: data}."
    )
    runbooks: str = Field(
        default="docs/runbooks", description="URL of the runbooks: that of docs/runbooks on your Git server."
    )
    failed_for: Duration = Field(default="1m", description="Time that a job is FAILED before FlinkJobFailed fires.")
    not_stable_for: Duration = Field(
        default="10m", description="Time that a job is not stable or not running before FlinkJobNotStable fires."
    )
    missing_for: Duration = Field(
        default="10m",
        description="Time that declared resources are missing in the cluster before FlinkJobMissing fires.",
    )
    restarts: Count = Field(
        default=3, description="Number of restarts of a job within `restartsWithin` at which FlinkJobRestarts fires."
    )
    restarts_within: Window = Field(default="15m", description="Window in which restarts are counted.")
    failed_checkpoints: Count = Field(
        default=3,
        description="Number of failed checkpoints of a job within `failedCheckpointsWithin` at which "
        "FlinkCheckpointsFailing fires.",
    )
    failed_checkpoints_within: Window = Field(default="15m", description="Window in which checkpoints are counted.")
    checkpoint_age: Window = Field(
        default="30m",
        description="Age of a job's last completed checkpoint at which FlinkCheckpointStale fires; longer than the "
        "checkpoint interval.",
    )
    checkpoint_growth: Factor = Field(
        default=2.0,
        description="Ratio of the size of a job's last checkpoint to its size `checkpointGrowthWithin` ago at which"
        " FlinkCheckpointGrows fires.",
    )
    checkpoint_growth_within: Window = Field(
        default="24h", description="Time between the two sizes of FlinkCheckpointGrows; shorter than `retention`."
    )
    checkpoint_growth_from: Size = Field(
        default="1Gi", description="Size of a checkpoint from which FlinkCheckpointGrows fires."
    )
    savepoint_age: Duration | None = Field(
        default=None,
        description="Age of a job's last savepoint at which FlinkSavepointOld fires; longer than its"
        " `kubernetes.operator.periodic.savepoint.interval`. Not set: the alert does not exist.",
    )
    back_pressure: Share = Field(
        default=0.5,
        description="Share of time that a task is back-pressured at which FlinkBackPressure fires: 0.5 is half.",
    )
    back_pressure_for: Duration = Field(
        default="15m", description="Time above `backPressure` before FlinkBackPressure fires."
    )
    source_lag: Count = Field(
        default=10_000,
        description="Number of records that a job's sources have not read yet from which a growing lag is an alert:"
        " FlinkSourceLag.",
    )
    source_lag_for: Window = Field(default="15m", description="Time that the lag grows before FlinkSourceLag fires.")
    heap: Share = Field(default=0.9, description="Share of the maximum heap at which FlinkHeapFull fires.")
    heap_for: Duration = Field(default="15m", description="Uninterrupted time above `heap` before FlinkHeapFull fires.")
    memory: Share = Field(
        default=0.95,
        description="Resident memory of a Flink container as a share of its limit at which FlinkMemoryNearLimit fires.",
    )
    memory_for: Duration = Field(default="15m", description="Time above `memory` before FlinkMemoryNearLimit fires.")
    out_of_memory_within: Window = Field(
        default="15m", description="Time for which FlinkOutOfMemory fires after a container was killed."
    )
    certificate_age: Duration = Field(
        default="5760h",
        description="Uptime of a process with `internalTls` at which FlinkInternalCertificateOld fires; shorter than"
        " `renewBefore` of all jobs.",
    )
    autoscaler_blocked_for: Window = Field(
        default="30m",
        description="Time that the autoscaler recommends a larger parallelism, or fails, before FlinkAutoscalerBlocked"
        " fires.",
    )
    autoscaler_limit_for: Duration = Field(
        default="30m",
        description="Time that a vertex is slower than its input and the autoscaler cannot scale it up before"
        " FlinkAutoscalerLimit fires.",
    )
    autoscaler_scalings: Count = Field(
        default=6,
        description="Number of scalings of a job within `autoscalerScalingsWithin` at which FlinkAutoscalerFlaps"
        " fires.",
    )
    autoscaler_scalings_within: Window = Field(default="1h", description="Window in which scalings are counted.")
    certificate_overdue: Duration = Field(
        default="1h",
        description="Time after the planned renewal of a certificate at which FlinkCertificateNotRenewed fires.",
    )
    targets_missing_for: Duration = Field(
        default="10m",
        description="Time that Prometheus scrapes fewer pods than exist before FlinkTargetsMissing fires.",
    )
    operator_absent_for: Duration = Field(
        default="5m", description="Time that Prometheus cannot scrape the operator before FlinkOperatorAbsent fires."
    )
    reconcile_errors: Count = Field(
        default=5,
        description="Number of failed reconciliations of a resource within `reconcileErrorsWithin` at which "
        "FlinkReconcileErrors fires.",
    )
    reconcile_errors_within: Window = Field(default="15m", description="Window in which reconciliations are counted.")
    reconcile_lag: Duration = Field(
        default="1m",
        description="Mean time between two reconciliations of a resource above which FlinkReconcileLag fires; longer "
        "than `kubernetes.operator.reconcile.interval`, 15 s by default.",
    )
    reconcile_lag_for: Duration = Field(default="10m", description="Time of the lag before FlinkReconcileLag fires.")


class PrometheusSettings(Model):
    """kube-prometheus-stack: Prometheus, Alertmanager, Grafana and the Prometheus operator."""

    enabled: bool = Field(default=True, description="Install it; false: use the installation in the cluster.")
    monitors: bool = Field(
        default=True,
        description="Create PodMonitors, alert rules and dashboards; false for a cluster without a Prometheus "
        "operator.",
    )
    version: str = Field(default=versions.PROMETHEUS.version, description="Version of the chart.")
    namespace: Name = Field(
        default="monitoring",
        description="Namespace of the chart, owned by the stack; with `enabled: false`, that of the existing "
        "Prometheus.",
    )
    labels: dict[str, str] = Field(
        default={},
        description="Labels by which an existing Prometheus selects PodMonitors and rules.",
    )
    control_plane: bool = Field(
        default=True,
        description="Scrape etcd, scheduler, controller manager and kube-proxy, and alert if they are missing; false "
        "for a cluster that does not expose them: EKS, GKE, AKS, kind.",
    )
    retention: Age = Field(default="10d", description="Retention of the data of Prometheus: 12h, 10d, 4w.")
    storage: PrometheusStorage | None = Field(
        default=None, description="Volume of Prometheus; not set: the data is lost with the pod."
    )
    grafana_secret: str | None = Field(
        default=None,
        description="Secret in `namespace` with admin-user and admin-password of Grafana; not set: the program creates"
        " one with a random password.",
    )
    dashboards: bool = Field(default=True, description="Create the Grafana dashboards.")
    flink_ui: str = Field(
        default="http://localhost:8081",
        description="URL of the Flink web UI in links of the dashboards; ${namespace} and ${job} are replaced by "
        "those of"
        " the job. The default is the address of `make ui`.",
    )
    alerts: Alerts = Field(default=Alerts(), description="Alerts and their thresholds.")
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over those of the platform.")

    @property
    def admin_secret(self) -> str:
        """The Secret with Grafana's user and password: the configured one, or that of the program."""
        return self.grafana_secret or GRAFANA_SECRET
