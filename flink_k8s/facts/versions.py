"""Every version that the platform pins, and the compatibility of operator and Flink versions.

Renovate updates the versions with a `renovate:` comment; a new operator version also needs an entry in `OPERATORS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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
    """Capabilities of one operator version.

    Attributes:
        flink: the supported values of `flinkVersion`, oldest first.
        deprecated: the deprecated ones of them.
        config_file: the key of `defaultConfiguration` that its chart mounts.
        directory_names: names by which its own Flink libraries read the directories of checkpoints and savepoints; it
            ignores a directory under any other name.
        last_state_needs_ha: last-state requires high availability, and is not supported for session jobs.
        checks_jar_uris: it refuses jars of session jobs by scheme and host.
        reads_session_job_configuration: it also reads a session job's own flinkConfiguration.
        health_record_is_kept: newer operators can read the record that its health check writes into a status. 1.16.1
            fails on the record of 1.7.0 ("Could not deserialize ClusterHealthInfo"), and stops reconciling the job.
    """

    flink: tuple[str, ...]
    deprecated: tuple[str, ...]
    config_file: str
    directory_names: dict[str, tuple[str, ...]]
    last_state_needs_ha: bool = False
    checks_jar_uris: bool = True
    reads_session_job_configuration: bool = True
    health_record_is_kept: bool = True


_CHECKPOINTS = ("state.checkpoints.dir", "state.backend.fs.checkpointdir")
_SAVEPOINTS = ("state.savepoints.dir", "savepoints.state.backend.fs.dir")

OPERATORS: dict[str, OperatorVersion] = {
    "1.16.1": OperatorVersion(
        flink=("v1_15", "v1_16", "v1_17", "v1_18", "v1_19", "v1_20", "v2_0", "v2_1", "v2_2", "v2_3", "v2_4"),
        deprecated=("v1_15", "v1_16", "v1_17", "v1_18"),
        config_file="config.yaml",
        directory_names={
            "execution.checkpointing.dir": ("execution.checkpointing.dir", *_CHECKPOINTS),
            "execution.checkpointing.savepoint-dir": ("execution.checkpointing.savepoint-dir", *_SAVEPOINTS),
        },
    ),
    "1.7.0": OperatorVersion(
        flink=("v1_13", "v1_14", "v1_15", "v1_16", "v1_17", "v1_18", "v1_19"),
        deprecated=("v1_13", "v1_14"),
        config_file="flink-conf.yaml",
        directory_names={
            "execution.checkpointing.dir": _CHECKPOINTS,
            "execution.checkpointing.savepoint-dir": _SAVEPOINTS,
        },
        last_state_needs_ha=True,
        checks_jar_uris=False,
        reads_session_job_configuration=False,
        health_record_is_kept=False,
    ),
}
"""From the enum FlinkVersion of each version's API jar, its validator and its chart."""

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
}

_SINCE = {
    "execution.checkpointing.dir": (1, 20),
    "execution.checkpointing.savepoint-dir": (1, 20),
    "execution.checkpointing.num-retained": (1, 20),
    "execution.state-recovery.ignore-unclaimed-state": (1, 20),
    "high-availability.type": (1, 17),
}
"""The first Flink version that reads an option by its current name; earlier versions read the first older name."""


def names(key: str, operator: str) -> tuple[str, ...]:
    """The names by which an operator version reads one of Flink's options, the current name first."""
    known = OPERATORS.get(operator)
    if known and key in known.directory_names:
        return known.directory_names[key]
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
