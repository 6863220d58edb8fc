"""Every version that the platform pins, in one place, and which of them go together.

The comments in Renovate's form keep the numbers movable; a new operator version needs a row in `OPERATORS` too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chart:
    """A Helm chart's place: `repository` may hold `{version}`."""

    name: str
    repository: str
    version: str


# renovate: datasource=helm depName=cert-manager registryUrl=https://charts.jetstack.io
CERT_MANAGER = Chart("cert-manager", "https://charts.jetstack.io", "v1.21.2")

# renovate: datasource=helm depName=kube-prometheus-stack registryUrl=https://prometheus-community.github.io/helm-charts
PROMETHEUS = Chart("kube-prometheus-stack", "https://prometheus-community.github.io/helm-charts", "92.1.0")

# The archive keeps every release; downloads.apache.org drops one as soon as it is superseded.
# renovate: datasource=github-releases depName=apache/flink-kubernetes-operator
OPERATOR = Chart(
    "flink-kubernetes-operator",
    "https://archive.apache.org/dist/flink/flink-kubernetes-operator-{version}/",
    "1.16.1",
)


@dataclass(frozen=True)
class OperatorVersion:
    """What one operator version knows.

    Attributes:
        flink: the `flinkVersion` values that it takes, oldest first.
        config_file: the key of `defaultConfiguration` that its chart mounts.
    """

    flink: tuple[str, ...]
    config_file: str


OPERATORS: dict[str, OperatorVersion] = {
    "1.16.1": OperatorVersion(
        flink=("v1_15", "v1_16", "v1_17", "v1_18", "v1_19", "v1_20", "v2_0", "v2_1", "v2_2", "v2_3"),
        config_file="config.yaml",
    ),
    "1.7.0": OperatorVersion(
        flink=("v1_13", "v1_14", "v1_15", "v1_16", "v1_17", "v1_18", "v1_19"),
        config_file="flink-conf.yaml",
    ),
}
"""From the enum FlinkVersion of each version's API jar and from its chart."""
