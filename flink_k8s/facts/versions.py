"""Every version that the platform pins, and the compatibility of operator and Flink versions.

Renovate updates the versions with a `renovate:` comment; a new operator version also needs an entry in `OPERATORS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache


@dataclass(frozen=True)
class Chart:
    """A Helm chart and its repository, whose URL may contain `{version}`."""

    name: str
    repository: str
    version: str


# renovate: datasource=helm depName=cert-manager registryUrl=https://charts.jetstack.io
CERT_MANAGER = Chart("cert-manager", "https://charts.jetstack.io", "v1.21.2")

# renovate: datasource=helm depName=kube-prometheus-stack registryUrl=https://prometheus-community.github.io/helm-charts
PROMETHEUS = Chart("kube-prometheus-stack", "https://prometheus-community.github.io/helm-charts", "92.1.0")

_VICTORIA_METRICS = "https://victoriametrics.github.io/helm-charts/"

# renovate: datasource=helm depName=victoria-logs-single registryUrl=https://victoriametrics.github.io/helm-charts
LOG_STORE = Chart("victoria-logs-single", _VICTORIA_METRICS, "0.13.9")

# renovate: datasource=helm depName=victoria-logs-collector registryUrl=https://victoriametrics.github.io/helm-charts
LOG_COLLECTOR = Chart("victoria-logs-collector", _VICTORIA_METRICS, "0.3.7")

# The archive keeps every release; downloads.apache.org removes superseded releases.
# renovate: datasource=maven depName=org.apache.flink:flink-kubernetes-operator-api
OPERATOR = Chart(
    "flink-kubernetes-operator",
    "https://archive.apache.org/dist/flink/flink-kubernetes-operator-{version}/",
    "1.16.1",
)
OPERATOR_RELEASE = "flink-kubernetes-operator"
"""Name of the operator's Helm release."""


@dataclass(frozen=True)
class KubernetesRange:
    """The versions of Kubernetes that a chart supports.

    Attributes:
        chart: name of the chart.
        release: start of the chart's versions, such as `v1.21.`; empty for all.
        first: the oldest minor version of Kubernetes 1.
        last: the newest one; None if newer ones are not excluded.
    """

    chart: str
    release: str
    first: int
    last: int | None = None

    def __str__(self) -> str:
        return f"1.{self.first} " + (f"to 1.{self.last}" if self.last is not None else "and newer")


KUBERNETES = (
    # https://cert-manager.io/docs/releases/
    KubernetesRange(CERT_MANAGER.name, "v1.21.", 33, 36),
    KubernetesRange(CERT_MANAGER.name, "v1.20.", 32, 35),
    # `kubeVersion` of the charts.
    KubernetesRange(PROMETHEUS.name, "", 25),
    KubernetesRange(LOG_STORE.name, "", 25),
    KubernetesRange(LOG_COLLECTOR.name, "", 25),
)
"""The operator's chart and documentation name no range."""


@dataclass(frozen=True)
class Pulumi:
    """Versions of Pulumi; tests/unit/dev/test_repository.py compares them with the files that pin them.

    Attributes:
        sdk: of the Python package `pulumi` (requirements.in) and of the command that users install (.pulumi.version).
        kubernetes: of the package `pulumi-kubernetes`, and of its provider.
        built_command: of the command that the sandbox builds (sandbox/modules/programs/go.mod).
    """

    sdk: str
    kubernetes: str
    built_command: str


# The Go module proxy does not serve 3.272.0 of the command: it has 3.260.0, 3.274.0 and 3.274.1.
PULUMI = Pulumi(sdk="3.272.0", kubernetes="4.34.2", built_command="3.274.1")

POD_SECURITY = "v1.34"
"""Kubernetes version of the Pod Security profiles: a newer cluster does not tighten them automatically."""


@dataclass(frozen=True)
class OperatorVersion:
    """Capabilities of one operator release.

    Attributes:
        flink: the supported values of `flinkVersion`, oldest first.
        deprecated: the deprecated ones of them.
        config_file: the key of `defaultConfiguration` that its chart mounts.
        directory_names: names by which its own Flink libraries read the directories of checkpoints and savepoints; it
            ignores a directory under any other name.
        last_state_needs_ha: last-state requires high availability, and is not supported for session jobs.
        checks_jar_uris: it refuses jars of session jobs by scheme and host.
        starts_remote_jars: it starts applications whose jar the JobManager downloads. The Flink client of older ones
            (up to 1.18) refuses every jarURI except local://.
        checks_autoscaler_features: it checks the thresholds of the autoscaler's optional features, and its window.
        reads_session_job_configuration: it also reads a session job's own flinkConfiguration.
        health_record_is_kept: newer operators can read the record that its health check writes into a status. 1.12 and
            newer fail on the record of an older one ("Could not deserialize ClusterHealthInfo"), and stop reconciling
            the job.
    """

    flink: tuple[str, ...]
    deprecated: tuple[str, ...]
    config_file: str
    directory_names: dict[str, tuple[str, ...]]
    last_state_needs_ha: bool = False
    checks_jar_uris: bool = True
    starts_remote_jars: bool = True
    checks_autoscaler_features: bool = True
    reads_session_job_configuration: bool = True
    health_record_is_kept: bool = True


_FLINK = (
    *("v1_13", "v1_14", "v1_15", "v1_16", "v1_17", "v1_18", "v1_19", "v1_20"),
    *("v2_0", "v2_1", "v2_2", "v2_3", "v2_4"),
)


def _flink(first: str, last: str) -> tuple[str, ...]:
    return _FLINK[_FLINK.index(first) : _FLINK.index(last) + 1]


_CHECKPOINTS = ("state.checkpoints.dir", "state.backend.fs.checkpointdir")
_SAVEPOINTS = ("state.savepoints.dir", "savepoints.state.backend.fs.dir")

_1_16 = OperatorVersion(
    flink=_flink("v1_15", "v2_4"),
    deprecated=_flink("v1_15", "v1_18"),
    config_file="config.yaml",
    directory_names={
        "execution.checkpointing.dir": ("execution.checkpointing.dir", *_CHECKPOINTS),
        "execution.checkpointing.savepoint-dir": ("execution.checkpointing.savepoint-dir", *_SAVEPOINTS),
    },
)
# The classes of 1.15.0 know v2_3 and v2_4, but its CRDs do not.
_1_15 = replace(_1_16, flink=_flink("v1_15", "v2_2"), checks_autoscaler_features=False)
_1_14 = replace(_1_15, checks_jar_uris=False)
_1_12 = replace(_1_14, flink=_flink("v1_15", "v2_0"), deprecated=_flink("v1_15", "v1_16"))
_1_11 = replace(_1_12, config_file="flink-conf.yaml", health_record_is_kept=False)
_1_10 = replace(
    _1_11,
    flink=_flink("v1_15", "v1_20"),
    deprecated=_flink("v1_15", "v1_15"),
    directory_names={
        "execution.checkpointing.dir": _CHECKPOINTS,
        "execution.checkpointing.savepoint-dir": _SAVEPOINTS,
    },
)
_1_9 = replace(_1_10, flink=_flink("v1_15", "v1_19"), deprecated=(), last_state_needs_ha=True, starts_remote_jars=False)
_1_8 = replace(_1_9, flink=_flink("v1_13", "v1_19"), deprecated=_flink("v1_13", "v1_14"))
_1_7 = replace(_1_8, reads_session_job_configuration=False)

OPERATORS: dict[str, OperatorVersion] = {
    "1.16.1": _1_16,
    "1.15.0": _1_15,
    "1.14.0": _1_14,
    "1.13.0": _1_14,
    "1.12.1": _1_12,
    "1.11.0": _1_11,
    "1.10.0": _1_10,
    "1.9.0": _1_9,
    "1.8.0": _1_8,
    "1.7.0": _1_7,
}
"""The newest release of each minor version: from its enum FlinkVersion, its validator and its chart."""

_RELEASE = re.compile(r"(\d+)\.(\d+)\.\d+(.*)", re.DOTALL)


def known_operator(version: str) -> str | None:
    """The release in `OPERATORS` that has the fields and options of an operator version.

    Returns:
        The release of the same minor version. None for other minor versions, and for a vendor's build
        (`1.13.0-vendor1`), which may differ.
    """
    match = _RELEASE.fullmatch(version)
    if match is None or match[3]:
        return None
    return next((release for release in OPERATORS if release.rpartition(".")[0] == f"{match[1]}.{match[2]}"), None)


@cache
def nearest_operator(version: str) -> str:
    """The release in `OPERATORS` whose behaviour is assumed for an operator version.

    Returns:
        The newest one that is not of a newer minor version; the oldest one for older versions; the default release for
        a text that is not a version.
    """
    match = _RELEASE.fullmatch(version)
    if match is None:
        return OPERATOR.version
    minor = (int(match[1]), int(match[2]))
    return next((release for release in OPERATORS if _minor(release) <= minor), [*OPERATORS][-1])


def compared_with_known(version: str) -> int | None:
    """-1 for a version that is older than all in `OPERATORS`, else 1; None for a text that is not a version."""
    match = _RELEASE.fullmatch(version)
    if match is None:
        return None
    return -1 if (int(match[1]), int(match[2])) < _minor([*OPERATORS][-1]) else 1


def operator_version(version: str) -> OperatorVersion:
    """The capabilities that are assumed for an operator version."""
    return OPERATORS[nearest_operator(version)]


def _minor(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")[:2]))


FLINK_IMAGES = {
    "1.15": "1.15.4",
    "1.16": "1.16.3",
    "1.17": "1.17.2",
    "1.18": "1.18.1",
    "1.19": "1.19.3",
    "1.20": "1.20.4",
    "2.0": "2.0.2",
    "2.1": "2.1.2",
    "2.2": "2.2.1",
    "2.3": "2.3.0",
}
"""The newest official image of each Flink version, which is also the version of its jars; from apache/flink-docker."""

_OLDER_NAMES = {
    "high-availability.type": ("high-availability", "recovery.mode"),
    "high-availability.storageDir": ("high-availability.zookeeper.storageDir", "recovery.zookeeper.storageDir"),
    "execution.checkpointing.num-retained": ("state.checkpoints.num-retained",),
    "execution.state-recovery.ignore-unclaimed-state": ("execution.savepoint.ignore-unclaimed-state",),
    "execution.state-recovery.claim-mode": ("execution.savepoint-restore-mode",),
}

_SINCE = {
    "execution.checkpointing.dir": (1, 20),
    "execution.checkpointing.savepoint-dir": (1, 20),
    "execution.checkpointing.num-retained": (1, 20),
    "execution.state-recovery.ignore-unclaimed-state": (1, 20),
    "execution.state-recovery.claim-mode": (1, 20),
    "high-availability.type": (1, 17),
}
"""The first Flink version that reads an option by its current name; earlier versions read the first older name."""


def names(key: str, operator: str) -> tuple[str, ...]:
    """The names by which an operator version reads one of Flink's options, the current name first."""
    directories = operator_version(operator).directory_names
    if key in directories:
        return directories[key]
    return (key, *_OLDER_NAMES.get(key, ()))


def key_of(option: str, operator: str, flink: str | None) -> str:
    """The name of an option that a Flink version (`2.2`) and the operator's own Flink version read."""
    aliases = names(option, operator)
    if (
        aliases[1:]
        and aliases[0] == option
        and flink is not None
        and tuple(map(int, flink.split("."))) < _SINCE.get(option, (0, 0))
    ):
        return aliases[1]
    return aliases[0]


_FLINK_VERSION = re.compile(r"v(\d+)_(\d+)")


def short_version(flink_version: object) -> str | None:
    """`2.2` for `v2_2`."""
    match = _FLINK_VERSION.fullmatch(str(flink_version))
    return ".".join(match.groups()) if match else None


def flink_numbers(flink_version: object) -> tuple[int, ...] | None:
    """`(2, 2)` for `v2_2`; None for a text that is not a version."""
    version = short_version(flink_version)
    return tuple(map(int, version.split("."))) if version is not None else None
