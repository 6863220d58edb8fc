"""Manifests of which the operator's validator and our rules must say the same.

By rule of the validator's source: for each variant of its message a manifest that it refuses, and neighbours that it takes.
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BOTH = ("1.7.0", "1.16.1")
OLD = ("1.7.0",)
NEW = ("1.16.1",)

GONE = object()
"""Takes a field away."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One manifest, whole.

    Attributes:
        rule: of the validator, for the coverage.
        name: what is special about it.
        manifest: the resource.
        related: session cluster of a session job, target of a snapshot.
        defaults: the operator's own configuration.
        operators: the versions that it is meant for.
    """

    rule: str
    name: str
    manifest: Manifest
    related: Manifest | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    operators: tuple[str, ...] = BOTH

    @property
    def title(self) -> str:
        """`rule: name`."""
        return f"{self.rule}: {self.name}"


def resource(kind: str, spec: Manifest, name: str = "a") -> Manifest:
    """A resource with that spec."""
    metadata = {"name": name, "namespace": "flink"}
    return {"apiVersion": "flink.apache.org/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def deployment() -> Manifest:
    """A good application cluster."""
    spec: Manifest = {
        "image": "flink:1.17",
        "flinkVersion": "v1_17",
        "serviceAccount": "flink",
        "flinkConfiguration": {},
        "jobManager": {"resource": {"memory": "2048m", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
        "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"},
    }
    return resource("FlinkDeployment", spec)


def session_cluster() -> Manifest:
    """A good session cluster."""
    manifest = deployment()
    manifest["metadata"]["name"] = "cluster"
    del manifest["spec"]["job"]
    return manifest


def session_job() -> Manifest:
    """A good session job."""
    job = {"jarURI": "https://198.51.100.7/job.jar", "parallelism": 2, "upgradeMode": "stateless"}
    return resource("FlinkSessionJob", {"deploymentName": "cluster", "job": job})


def snapshot() -> Manifest:
    """A good snapshot."""
    spec: Manifest = {"savepoint": {"path": "file:///s"}, "jobReference": {"kind": "FlinkDeployment", "name": "a"}}
    return resource("FlinkStateSnapshot", spec, "snapshot")


def patched(manifest: Manifest, patch: Mapping[str, Any]) -> Manifest:
    """A copy with a patch such as `{"spec.job.parallelism": 0}`; keys of flinkConfiguration begin with `conf:`."""
    result = copy.deepcopy(manifest)
    for place, value in patch.items():
        key = place.removeprefix("conf:")
        parts = ["spec", "flinkConfiguration", key] if key != place else place.split(".")
        holder = result
        for part in parts[:-1]:
            holder = holder.setdefault(part, {})
        if value is GONE:
            holder.pop(parts[-1], None)
        else:
            holder[parts[-1]] = value
    return result


_HA = {"conf:high-availability.type": "kubernetes", "conf:high-availability.storageDir": "file:///ha"}
_CHECKPOINTS = {"conf:state.checkpoints.dir": "file:///c"}
_SAVEPOINTS = {"conf:state.savepoints.dir": "file:///s"}
_NO_MEMORY = {"spec.taskManager.resource.memory": GONE}
_NO_JM_MEMORY = {"spec.jobManager.resource.memory": GONE}
_SCALER = {"conf:job.autoscaler.enabled": "true"}


def _deployments() -> list[Case]:
    cases: list[Case] = []

    def add(rule: str, patch: Mapping[str, Any], operators: tuple[str, ...] = BOTH, **defaults: str) -> None:
        name = ", ".join(f"{key}={'-' if value is GONE else value}" for key, value in patch.items()) or "as it is"
        actual = {key.replace("__", "."): value for key, value in defaults.items()}
        cases.append(Case(rule, name[:150], patched(deployment(), patch), defaults=actual, operators=operators))

    add("none", {})
    for name in ("a", "my-job", "a1", "a-1", "a" * 45, "a" + "-" * 43 + "b",
                 "", "A", "1a", "-a", "a-", "a_b", "a.b", "a b", "a" * 46, "ä", "a\n"):  # fmt: skip
        add("name", {"metadata.name": name})
    for version in ("v1_13", "v1_14", "v1_15", "v1_18", "v1_19", "v1_20", "v2_0", "v2_3", "v2_4", "v9_9", "1.17", GONE):
        add("flinkVersion", {"spec.flinkVersion": version})
    for key in ("kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"):
        add("forbidden key", {f"conf:{key}": "x"})
        add("forbidden key", {f"conf:{key}s": "x"})
    add("forbidden key", {"conf:high-availability.zookeeper.path.namespace": "x"})
    add("rollback", {"conf:kubernetes.operator.deployment.rollback.enabled": "true"})
    add("rollback", {"conf:kubernetes.operator.deployment.rollback.enabled": "false"})
    add("rollback", {"conf:kubernetes.operator.deployment.rollback.enabled": "maybe"})
    for ha in ("kubernetes", "KUBERNETES", "zookeeper", "none", "NONE", "standalone", "org.example.Factory", ""):
        conf = {"conf:kubernetes.operator.deployment.rollback.enabled": "TRUE", "conf:high-availability.type": ha}
        add("rollback", {**conf, "conf:high-availability.storageDir": "file:///ha"})
    old = {"conf:high-availability": "kubernetes", "conf:high-availability.storageDir": "file:///ha"}
    add("rollback", {"conf:kubernetes.operator.deployment.rollback.enabled": "true", **old})
    check, recovery = (
        "kubernetes.operator.cluster.health-check.enabled",
        "kubernetes.operator.jm-deployment-recovery.enabled",
    )
    add("health check", {f"conf:{check}": "true"})
    add("health check", {f"conf:{check}": "true", f"conf:{recovery}": "false"})
    add("health check", {f"conf:{check}": "false", f"conf:{recovery}": "false"})
    add(
        "health check",
        {f"conf:{check}": "true", "conf:kubernetes.operator.reconciler.jm-deployment-recovery.enabled": "false"},
    )
    for template in ("a.example.org", "{{name}}.{{namespace}}.example.org", "/{{namespace}}/{{name}}(/|$)(.*)", "https://x/{{NAME}}",
                     "http://x:80/a", "http://x:port", "x:99999", "http://[::1]/", "http://[::1", "http://[x]", "", "{{name}}:8a",
                     "ftp://x", "a b", "http://x:-2", GONE):  # fmt: skip
        add("ingress", {"spec.ingress.className": "nginx", "spec.ingress.template": template})
    for key in ("log4j-console.properties", "logback-console.xml", "log4j.properties", "logback.xml", ""):
        add("log configuration", {"spec.logConfiguration": {key: "x"}})
    add("log configuration", {"spec.logConfiguration": {}})
    for mode in ("last-state", "savepoint"):
        add("checkpoint directory", {"spec.job.upgradeMode": mode, **_SAVEPOINTS, **_HA})
        add("checkpoint directory", {"spec.job.upgradeMode": mode, **_SAVEPOINTS, **_HA, **_CHECKPOINTS})
        add(
            "checkpoint directory",
            {"spec.job.upgradeMode": mode, **_SAVEPOINTS, **_HA, "conf:state.checkpoints.dir": " "},
        )
        new = {
            "conf:execution.checkpointing.dir": "file:///c",
            "conf:execution.checkpointing.savepoint-dir": "file:///s",
        }
        add("checkpoint directory", {"spec.job.upgradeMode": mode, **new, **_HA})
        oldest = {"conf:state.backend.fs.checkpointdir": "file:///c"}
        add("checkpoint directory", {"spec.job.upgradeMode": mode, **_SAVEPOINTS, **_HA, **oldest})
        add("last-state without HA", {"spec.job.upgradeMode": mode, **_SAVEPOINTS, **_CHECKPOINTS})
        add("savepoint directory", {"spec.job.upgradeMode": mode, **_CHECKPOINTS, **_HA})
    add("upgradeMode", {"spec.job.upgradeMode": GONE})
    add("upgradeMode", {"spec.job.upgradeMode": "stateful"})
    add("savepointTriggerNonce", {"spec.job.savepointTriggerNonce": 1})
    add("savepointTriggerNonce", {"spec.job.savepointTriggerNonce": 1, **_SAVEPOINTS})
    add("savepointTriggerNonce", {"spec.job.checkpointTriggerNonce": 1})
    add("periodic savepoints", {"conf:kubernetes.operator.periodic.savepoint.interval": "6h"})
    add("periodic savepoints", {"conf:kubernetes.operator.periodic.savepoint.interval": "6h", **_SAVEPOINTS})
    add("periodic savepoints", {"conf:kubernetes.operator.periodic.checkpoint.interval": "6h"})
    age = "conf:kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age"
    for text in ("1 h", "10min", "PT1H", "1000", "soon", "1 fortnight", ""):
        add("max checkpoint age", {age: text})
        add("max checkpoint age", {age: text, **_SAVEPOINTS})
    for replicas in (-1, 0, 1, 3):
        add("TaskManager replicas", {"spec.taskManager.replicas": replicas})
        add("TaskManager replicas", {"spec.taskManager.replicas": replicas, "spec.job": GONE})
        add("TaskManager replicas", {"spec.taskManager.replicas": replicas, "spec.job.parallelism": 0})
        add("parallelism", {"spec.job.parallelism": replicas})
        add("JobManager replicas", {"spec.jobManager.replicas": replicas})
        add("JobManager replicas", {"spec.jobManager.replicas": replicas, **_HA})
    add("parallelism", {"spec.job.parallelism": GONE})
    add("session cluster", {"spec.job": GONE})
    for memory in ("2g", "2 GB", "2Gi", "2gib", "512K", "1e9", "1024", "0", "+1g", "1P", "2G B",
                   "1.5g", "1.0Gi", "-1g", "1E", "1n", "1i", "1_0g", "x", "9999999999999999999999", "9223372036854775807g", "2 x"):  # fmt: skip
        add("TaskManager memory", {"spec.taskManager.resource.memory": memory})
    for memory in ("1600m", "2x", "", " ", "-5"):
        add("JobManager memory", {"spec.jobManager.resource.memory": memory})
    for process in ("jobManager", "taskManager"):
        for storage in ("2Gi", "1k", "1e3", "0", "-1Gi", "1.5Gi", "500m", "1GB", "1Z", "Gi", "", "x"):
            add("ephemeral storage", {f"spec.{process}.resource.ephemeralStorage": storage})
        add("memory not said", {f"spec.{process}": GONE})
        add("memory not said", {f"spec.{process}.resource": GONE})
        add("memory not said", {f"spec.{process}.resource.memory": GONE})
    cases.extend(_flink_memory())
    cases.extend(_requirements())
    add("service account", {"spec.serviceAccount": GONE})
    add("service account", {"spec.serviceAccount": ""})
    cases.extend(_autoscaler())
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        state__checkpoints__dir="file:///c",
        state__savepoints__dir="file:///s",
    )
    add("operator's defaults", {}, **{"kubernetes__cluster-id": "x"})
    prefix = "kubernetes__operator__default-configuration__"
    both = {"state__checkpoints__dir": "file:///c", "state__savepoints__dir": "file:///s"}
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        **{f"{prefix}namespace__flink__{k}": v for k, v in both.items()},
    )
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        **{f"{prefix}namespace__other__{k}": v for k, v in both.items()},
    )
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        **{f"{prefix}flink-version__v1_17__{k}": v for k, v in both.items()},
    )
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        NEW,
        **{f"{prefix}flink-version__v1_16+__{k}": v for k, v in both.items()},
    )
    add(
        "operator's defaults",
        {"spec.job.upgradeMode": "savepoint"},
        NEW,
        **{f"{prefix}flink-version__v1_18+__{k}": v for k, v in both.items()},
    )
    cases.extend(_decoding())
    return cases


def _flink_memory() -> list[Case]:
    """Memory that is not in the resource and must follow from Flink's configuration."""
    cases: list[Case] = []

    def add(process: str, **conf: str) -> None:
        base = _NO_MEMORY if process == "taskmanager" else _NO_JM_MEMORY
        patch = {**base, **{f"conf:{process}.{key.replace('__', '.')}": value for key, value in conf.items()}}
        name = ", ".join(f"{process}.{key.replace('__', '.')}={value}" for key, value in conf.items())
        cases.append(Case(f"{process} memory model", name, patched(deployment(), patch)))

    for process in ("jobmanager", "taskmanager"):
        for size in ("2g", "1g", "728m", "600m", "500m", "400m", "100m", "x", "10g", "0"):
            add(process, memory__process__size=size)
            add(process, memory__flink__size=size)
        add(process, memory__process__size="2g", memory__flink__size="1g")
        add(process, memory__process__size="2g", memory__flink__size="1500m")
        add(process, memory__process__size="2g", memory__flink__size="3g")
        add(process, **{"memory__process__size": "2g", "memory__jvm-overhead__fraction": "0.99"})
        add(process, **{"memory__process__size": "2g", "memory__jvm-overhead__fraction": "1.5"})
        add(process, **{"memory__process__size": "2g", "memory__jvm-overhead__min": "2g"})
        add(
            process,
            **{"memory__process__size": "2g", "memory__jvm-overhead__min": "1g", "memory__jvm-overhead__max": "1g"},
        )
        add(process, **{"memory__process__size": "2g", "memory__jvm-metaspace__size": "2g"})
        add(process, heap__size="1g")
        add(process, heap__size="100m")
        add(process, heap__mb="1024")
    for heap, flink in (
        ("1g", None),
        ("100m", None),
        ("1g", "2g"),
        ("1g", "1152m"),
        ("1g", "1g"),
        ("1g", "1200m"),
        ("2g", "1g"),
    ):
        extra = {"memory__flink__size": flink} if flink else {}
        add("jobmanager", **{"memory__heap__size": heap, **extra})
    add("jobmanager", **{"memory__flink__size": "1g", "memory__off-heap__size": "2g"})
    for off in ("128m", "1g", "1500m", "100m"):
        add("jobmanager", **{"memory__heap__size": "1g", "memory__flink__size": "2g", "memory__off-heap__size": off})
    add("jobmanager", memory__heap__size="1g", memory__process__size="2g")
    add("jobmanager", memory__heap__size="1g", memory__process__size="1200m")
    for heap, managed in (("512m", "512m"), ("1g", None), (None, "1g")):
        sizes = {"memory__task__heap__size": heap, "memory__managed__size": managed}
        conf = {key: value for key, value in sizes.items() if value}
        add("taskmanager", **conf)
        add("taskmanager", **conf, memory__process__size="3g")
        add("taskmanager", **conf, memory__process__size="1g")
        add("taskmanager", **conf, memory__flink__size="2g")
        add("taskmanager", **conf, memory__flink__size="1g")
    for heap in ("1g", "1300m", "1500m"):
        add("taskmanager", memory__process__size="3g", memory__task__heap__size=heap)
        add("taskmanager", memory__process__size="3g", memory__task__heap__size=heap, memory__network__min="300m")
        add("taskmanager", memory__process__size="3g", memory__task__heap__size=heap, memory__network__max="100m")
    add("taskmanager", memory__process__size="2g", memory__managed__fraction="0.9")
    add("taskmanager", memory__process__size="2g", memory__managed__fraction="0.95")
    add("taskmanager", memory__process__size="2g", memory__managed__fraction="1.5")
    add("taskmanager", memory__process__size="2g", memory__network__min="2g")
    add("taskmanager", memory__process__size="2g", memory__network__max="1m")
    add("taskmanager", memory__process__size="2g", memory__network__fraction="0.6")
    add("taskmanager", memory__process__size="2g", memory__task__heap__size="1g", memory__network__fraction="1.5")
    add("jobmanager", memory__process__size="576m")
    add("jobmanager", **{"memory__flink__size": "1g", "memory__off-heap__size": "1g"})
    small = {"memory__process__size": "1300m", "memory__heap__size": "512m"}
    add("jobmanager", **small)
    add("jobmanager", **small, **{"memory__jvm-overhead__fraction": "1.5"})
    return cases


def _requirements() -> list[Case]:
    """`resources`, which the operator has since 1.16."""
    cases: list[Case] = []
    memory = [
        ({"memory": "2Gi"}, {}), ({}, {"memory": "2Gi"}), ({}, {}), ({"memory": "2Gi"}, {"memory": "1Gi"}),
        ({"memory": "1Gi"}, {"memory": "1024m"}), ({"memory": "0"}, {}), ({"memory": "-1Gi"}, {}), ({"memory": "x"}, {}),
        ({"memory": "1.5Gi"}, {}), ({"memory": "2Gi", "cpu": "1"}, {"cpu": "500m"}), ({"memory": "2Gi", "cpu": 1}, {"cpu": 2}),
        ({"memory": "2Gi", "cpu": "0"}, {}), ({"memory": "2Gi", "cpu": "-1"}, {}), ({"memory": "2Gi", "cpu": "x"}, {}),
        ({"memory": "2Gi", "ephemeral-storage": "-1"}, {}), ({"memory": "2Gi", "ephemeral-storage": "0"}, {}),
        ({"memory": "2Gi", "ephemeral-storage": "1Gi"}, {"ephemeral-storage": "1Mi"}), ({"cpu": "1"}, {}),
        ({"memory": 2147483648}, {}), ({"memory": "2048m"}, {}), ({"memory": "2gb"}, {}), ({"memory": "2e9"}, {}),
        ({"memory": "2Gi", "example.org/gpu": "x"}, {}), ({"memory": "2Gi", "example.org/gpu": "1"}, {}),
    ]  # fmt: skip
    for requests, limits in memory:
        for process in ("jobManager", "taskManager"):
            manifest = patched(
                deployment(), {f"spec.{process}": {"resources": {"requests": requests, "limits": limits}}}
            )
            cases.append(Case("resources", f"{process} {requests} {limits}", manifest, operators=NEW))
    both = patched(deployment(), {"spec.taskManager.resources": {"requests": {"memory": "x"}}})
    cases.append(Case("resources", "beside a good resource", both, operators=NEW))
    cases.append(
        Case(
            "resources",
            "empty beside resource",
            patched(deployment(), {"spec.taskManager.resources": {}}),
            operators=NEW,
        )
    )
    cases.append(
        Case("resources", "unknown to 1.7.0", patched(deployment(), {"spec.taskManager.resources": {}}), operators=OLD)
    )
    return cases


def _autoscaler() -> list[Case]:
    """Verified against 1.7.0 alone: 1.16.1's autoscaler is not published, and a stand-in proves nothing."""
    cases: list[Case] = []
    values: dict[str, tuple[str, ...]] = {
        "scale-down.max-factor": ("0.6", "0", "-0.1", "x", "1e3", "1.5f"),
        "scale-up.max-factor": ("100000", "0", "-1", "Infinity"),
        "target.utilization": ("0.7", "0", "1", "1.5", "-0.1", "", "x"),
        "target.utilization.boundary": ("0.3", "0", "-0.3", "NaN"),
        "stabilization.interval": ("5m", "x"),
    }
    for key, texts in values.items():
        for text in texts:
            conf = {f"conf:job.autoscaler.{key}": text}
            cases.append(Case("autoscaler", f"{key}={text}", patched(deployment(), {**_SCALER, **conf}), operators=OLD))
    conf = {"conf:job.autoscaler.scale-down.max-factor": "-1"}
    cases.append(Case("autoscaler", "off", patched(deployment(), conf)))
    old = {"conf:kubernetes.operator.job.autoscaler.enabled": "true", **conf}
    cases.append(Case("autoscaler", "on by its old name", patched(deployment(), old), operators=OLD))
    cases.append(
        Case(
            "autoscaler",
            "neither on nor off",
            patched(deployment(), {"conf:job.autoscaler.enabled": "x"}),
            operators=OLD,
        )
    )
    return cases


def _decoding() -> list[Case]:
    """What does not even decode: misspelt fields, wrong types, and what decodes although it looks odd."""
    patches: list[Mapping[str, Any]] = [
        {"spec.flinkversion": "v1_17"}, {"spec.job.paralelism": 1}, {"spec.taskManager.resource.memry": "1g"},
        {"spec.jobManager.cpu": 1}, {"spec.ingress.templat": "x"}, {"spec.mode": "native"}, {"spec.mode": "standalone"},
        {"spec.mode": "Native"}, {"spec.job.parallelism": "2"}, {"spec.job.parallelism": "two"}, {"spec.job.parallelism": [1]},
        {"spec.job.args": ["a", 1, True]}, {"spec.job.args": "a"}, {"spec.job.state": "running"}, {"spec.job.state": "stopped"},
        {"spec.job.state": "suspended"}, {"spec.job.allowNonRestoredState": "true"}, {"spec.job.allowNonRestoredState": "maybe"},
        {"spec.image": 1}, {"spec.image": ["x"]}, {"spec.jobManager.resource.cpu": "1.5"}, {"spec.jobManager.resource.cpu": "x"},
        {"spec.restartNonce": 3}, {"spec.restartNonce": "x"}, {"spec.imagePullPolicy": "Never"}, {"spec.job": "x"},
        {"spec.podTemplate": {"spec": {"containers": [{"name": "flink-main-container"}]}}}, {"spec.jobManager": []},
        {"spec.podTemplate": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod-template"}}},
        {"spec.podTemplate": "x"}, {"spec.taskManager.podTemplate": {"spec": {"nodeSelector": {"a": "b"}}}},
        {"spec.job.entryClass": "x", "spec.job.jarURI": GONE}, {"spec.job.initialSavepointPath": "file:///s"},
        {"spec.jobManager.resource.cpu": 0.5}, {"spec.jobManager.resource.cpu": -1}, {"spec.template": {}},
    ]  # fmt: skip
    return [
        Case("decoding", str(dict(patch)).replace(str(GONE), "-"), patched(deployment(), patch)) for patch in patches
    ]


def _session_jobs() -> list[Case]:
    cases: list[Case] = []

    def add(rule: str, patch: Mapping[str, Any], cluster: Mapping[str, Any] | None = None, *, alone: bool = False,
            operators: tuple[str, ...] = BOTH, **defaults: str) -> None:  # fmt: skip
        name = ", ".join(
            f"{key}={'-' if value is GONE else value}" for key, value in {**patch, **(cluster or {})}.items()
        )
        related = None if alone else patched(session_cluster(), cluster or {})
        actual = {key.replace("__", "."): value for key, value in defaults.items()}
        title = f"session job{' alone' if alone else ''}: {name[:140] or 'as it is'}"
        cases.append(Case(rule, title, patched(session_job(), patch), related, actual, operators))

    add("session: none", {})
    add("session: none", {}, alone=True)
    for name in ("", "A", "cluster-", "a" * 46, GONE):
        add("session: deploymentName", {"spec.deploymentName": name}, alone=True)
    add("session: no job", {"spec.job": GONE}, alone=True, operators=NEW)
    add("session: no job", {"spec.job": GONE}, operators=OLD)
    add("session: application cluster", {}, {"spec.job": {"parallelism": 1}})
    for mode in ("last-state", "savepoint"):
        add("session: upgradeMode", {"spec.job.upgradeMode": mode})
        add("session: upgradeMode", {"spec.job.upgradeMode": mode}, {**_CHECKPOINTS, **_SAVEPOINTS, **_HA})
        add("session: upgradeMode", {"spec.job.upgradeMode": mode}, {**_CHECKPOINTS, **_HA})
        add("session: upgradeMode", {"spec.job.upgradeMode": mode, **_CHECKPOINTS, **_SAVEPOINTS})
    add("session: savepointTriggerNonce", {"spec.job.savepointTriggerNonce": 1})
    add("session: savepointTriggerNonce", {"spec.job.savepointTriggerNonce": 1}, _SAVEPOINTS)
    add("session: periodic savepoints", {}, {"conf:kubernetes.operator.periodic.savepoint.interval": "1h"})
    add("session: periodic savepoints", {"conf:kubernetes.operator.periodic.savepoint.interval": "1h"})
    for parallelism in (0, 1, -1, GONE):
        add("session: parallelism", {"spec.job.parallelism": parallelism})
        add("session: parallelism", {"spec.job.parallelism": parallelism}, alone=True)
    for uri in ("https://198.51.100.7/a.jar", "HTTPS://198.51.100.7/a.jar", "http://198.51.100.7/a.jar", "local:///a.jar", "s3://b/a.jar",
                "a.jar", "/a.jar", "https:///a.jar", "https://127.0.0.1/a.jar", "https://10.0.0.1/a.jar", "https://172.16.5.4/a.jar",
                "https://192.168.1.1/a.jar", "https://169.254.1.1/a.jar", "https://0.0.0.0/a.jar", "https://224.0.0.1/a.jar",
                "https://[::1]/a.jar", "https://[fe80::1]/a.jar", "https://localhost/a.jar", "https://198.51.100.7/a b.jar", "https:",
                "https://198.51.100.7/%zz", GONE):  # fmt: skip
        add("session: jarURI", {"spec.job.jarURI": uri}, alone=True)
    allowed = {"kubernetes__operator__user__artifacts__allowed-schemes": "https;local"}
    add("session: jarURI", {"spec.job.jarURI": "local:///a.jar"}, alone=True, operators=NEW, **allowed)
    hosts = {"kubernetes__operator__user__artifacts__disallow-restricted-hosts": "false"}
    add("session: jarURI", {"spec.job.jarURI": "https://127.0.0.1/a.jar"}, alone=True, operators=NEW, **hosts)
    scaler = {"conf:job.autoscaler.enabled": "true", "conf:job.autoscaler.scale-up.max-factor": "-1"}
    add("session: autoscaler", {}, scaler, operators=OLD)
    for patch in (
        {"spec.deploymentname": "x"},
        {"spec.job.jarUri": "x"},
        {"spec.image": "x"},
        {"spec.restartNonce": 1},
        {"spec.job": []},
    ):
        add("session: decoding", patch)
    return cases


def _snapshots() -> list[Case]:
    target = deployment()
    cases = [
        Case("snapshot", "savepoint", snapshot(), target, operators=NEW),
        Case("snapshot", "unknown to 1.7.0", snapshot(), operators=OLD),
    ]
    patches: list[Mapping[str, Any]] = [
        {"spec.savepoint": GONE}, {"spec.checkpoint": {}}, {"spec.savepoint": GONE, "spec.checkpoint": {}},
        {"spec.jobReference": GONE}, {"spec.savepoint.alreadyExists": True}, {"spec.savepoint.formatType": "CANONICAL"},
        {"spec.savepoint.alreadyExists": True, "spec.jobReference": GONE}, {"spec.savepoint.formatType": "canonical"},
        {"spec.savepoint.alreadyExists": False, "spec.jobReference": GONE}, {"spec.backoffLimit": 3}, {"spec.backofflimit": 3},
        {"spec.savepoint.disposeOnDelete": False}, {"spec.jobReference.kind": "FlinkSessionJob"}, {"spec.jobReference.kind": "Job"},
        {"spec.savepoint": GONE, "spec.checkpoint": {}, "spec.jobReference": GONE}, {"spec.backoffLimit": "x"},
    ]  # fmt: skip
    for patch in patches:
        name = ", ".join(f"{key}={'-' if value is GONE else value}" for key, value in patch.items())
        cases.append(Case("snapshot", name, patched(snapshot(), patch), target, operators=NEW))
    return cases


def _blue_green() -> list[Case]:
    """The validator sees the deployment that is made of it, so a few of a deployment's cases do."""
    cases: list[Case] = []
    patches: list[Mapping[str, Any]] = [
        {}, {"spec.flinkVersion": GONE}, {"spec.job.parallelism": 0}, {"spec.serviceAccount": GONE}, _NO_MEMORY, _NO_JM_MEMORY,
        {"spec.job.upgradeMode": "savepoint"}, {"spec.job.upgradeMode": "last-state", **_CHECKPOINTS}, {"spec.jobManager.replicas": 2},
        {"conf:kubernetes.namespace": "x"}, {"spec.flinkversion": "x"}, {"spec.ingress": {}}, {"spec.job": GONE},
    ]  # fmt: skip
    for patch in patches:
        name = ", ".join(f"{key}={'-' if value is GONE else value}" for key, value in patch.items()) or "as it is"
        template = {"spec": patched(deployment(), patch)["spec"]}
        cases.append(
            Case("blue/green", name, resource("FlinkBlueGreenDeployment", {"template": template}), operators=NEW)
        )
    good = {"spec": deployment()["spec"]}
    for name in ("a" * 39, "a" * 40, "a-", "A"):
        cases.append(
            Case("blue/green", name, resource("FlinkBlueGreenDeployment", {"template": good}, name), operators=NEW)
        )
    extra = {"template": good, "configuration": {"kubernetes.operator.bluegreen.abort.grace-period": "10 min"}}
    cases.append(Case("blue/green", "configuration", resource("FlinkBlueGreenDeployment", extra), operators=NEW))
    cases.append(
        Case("blue/green", "misspelt", resource("FlinkBlueGreenDeployment", {**extra, "ingres": {}}), operators=NEW)
    )
    cases.append(Case("blue/green", "unknown to 1.7.0", resource("FlinkBlueGreenDeployment", extra), operators=OLD))
    return cases


def _known_differences() -> list[Case]:
    container = {"name": "flink-main-container", "imagePullpolicy": "Never"}
    misspelt = patched(deployment(), {"spec.podTemplate": {"spec": {"containers": [container]}}})
    jar = patched(session_job(), {"spec.job.jarURI": "https://nowhere.invalid/a.jar"})
    return [
        Case("decoding", "a misspelt field of a pod", misspelt),
        Case("session: jarURI", "a host that does not resolve", jar, operators=NEW),
        Case("autoscaler", "on in 1.16.1", patched(deployment(), _SCALER), operators=NEW),
    ]


def cases() -> list[Case]:
    """The whole corpus."""
    return [*_deployments(), *_session_jobs(), *_snapshots(), *_blue_green(), *_known_differences()]
