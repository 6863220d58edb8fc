"""A pod that reads the output of the streaming example from its claim, whatever happens to the pods of the job."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

from flink_k8s.resolve.state_storage import CLAIM, MOUNT
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import JOB, NAMESPACE

READER = "reader"
OUTPUT = f"{MOUNT}/{JOB}"
FILES = f"find {OUTPUT} -type f -name '{JOB}-*'"
"""The command that finds the files that the sink has published."""


@contextmanager
def reader(kubectl: Kubectl) -> Generator[None]:
    """The pod, ready."""
    kubectl.run("apply", "-f", "-", stdin=json.dumps(_pod()).encode())
    try:
        kubectl.run("wait", "--for=condition=Ready", f"pod/{READER}", "-n", NAMESPACE, "--timeout=60s")
        yield
    finally:
        kubectl.try_run("delete", "pod", READER, "-n", NAMESPACE, "--grace-period=0", "--force")


def in_reader(kubectl: Kubectl, *command: str) -> list[str]:
    """The lines that a command prints in the pod."""
    return kubectl.run("exec", "-n", NAMESPACE, READER, "--", *command).decode().splitlines()


def read(kubectl: Kubectl) -> list[str]:
    """The lines of all files that the sink has published."""
    return in_reader(kubectl, "sh", "-c", f"{FILES} -exec cat {{}} +")


def _pod() -> dict[str, object]:
    container = {
        "name": "reader",
        "image": "pyflink:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "86400"],
        "volumeMounts": [{"name": "state", "mountPath": MOUNT}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 9999, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    metadata = {"name": READER, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
