"""Job files of other kinds: a session cluster and its jobs, a blue/green deployment, a snapshot.

All run the shipped `running_totals.py`. They ask for little, since the sandbox may have two CPUs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

API = "flink.apache.org/v1beta1"
CLUSTER, SESSION_JOB, BLUE_GREEN, SNAPSHOT = "cluster", "report", "shop", "before-change"


def session_cluster() -> str:
    """A session cluster that has room for a few jobs."""
    return _file("FlinkDeployment", CLUSTER, _cluster())


def session_job(name: str = SESSION_JOB, script: str = "running_totals.py") -> str:
    """A job of it that keeps state."""
    return _file("FlinkSessionJob", name, {"deploymentName": CLUSTER, "job": _job(name, script)})


REFUSED_BY_FLINK = {"taskmanager.cpu.cores": "-1"}
"""Configuration with which Flink does not start; too little memory, which it calls the same, the check refuses."""


def blue_green(*, configuration: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None) -> str:
    """A blue/green deployment that keeps state.

    Args:
        configuration: Flink options in addition to its own.
        env: of its containers; a change of it is one of the spec.
    """
    listed = [{"name": name, "value": value} for name, value in (env or {}).items()]
    container = {"name": "flink-main-container", "env": listed}
    spec = {**_cluster(configuration), "podTemplate": {"spec": {"containers": [container]}}, "job": _job(BLUE_GREEN)}
    # Else it looks every 15 s, and the first look after a change of colour is the one that ends it.
    quick = {"kubernetes.operator.bluegreen.reconciliation.reschedule-interval": "2 s"}
    return _file("FlinkBlueGreenDeployment", BLUE_GREEN, {"configuration": quick, "template": {"spec": spec}})


def snapshot() -> str:
    """A savepoint of the session job, which goes with its resource."""
    reference = {"kind": "FlinkSessionJob", "name": SESSION_JOB}
    spec = {"jobReference": reference, "backoffLimit": 2, "savepoint": {"disposeOnDelete": True}}
    return _file("FlinkStateSnapshot", SNAPSHOT, spec)


def _cluster(configuration: Mapping[str, str] | None = None) -> dict[str, object]:
    return {
        "image": "pyflink:dev",
        "imagePullPolicy": "IfNotPresent",
        "flinkVersion": "v2_2",
        "flinkConfiguration": {
            "taskmanager.numberOfTaskSlots": "4",
            "execution.checkpointing.interval": "1 s",
            "kubernetes.jobmanager.cpu.limit-factor": "20",
            "kubernetes.taskmanager.cpu.limit-factor": "20",
            **(configuration or {}),
        },
        "jobManager": {"resource": {"memory": "1200m", "cpu": 0.1}},
        "taskManager": {"resource": {"memory": "1200m", "cpu": 0.1}},
    }


def _job(name: str, script: str = "running_totals.py") -> dict[str, object]:
    python = ["-pyclientexec", "/usr/local/bin/python3", "-py", f"/opt/flink/usrlib/src/{script}"]
    return {
        "entryClass": "org.apache.flink.client.python.PythonDriver",
        "args": [*python, "--output", f"/flink-state/{name}", "--rate", "10"],
        "parallelism": 1,
        "upgradeMode": "savepoint",
    }


def _file(kind: str, name: str, spec: Mapping[str, object]) -> str:
    return json.dumps({"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}, indent=2)
