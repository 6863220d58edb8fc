"""A Maven repository in a pod of the sandbox, and jars of Maven Central for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flink_k8s.support.kubectl import Kubectl
from tests.waiting import until

SERVER = "maven"
"""Name of the pod, its namespace and its Service."""

REPOSITORY = f"http://{SERVER}.{SERVER}.svc:8080"
"""URL of the repository in the cluster."""


def download(coordinates: str, folder: Path) -> Path:
    """Downloads a jar of Maven Central; the path of the jar.

    Args:
        coordinates: `group:artifact:version`.
        folder: of the jar.
    """
    copy = ["mvn", "--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"]
    subprocess.run([*copy, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"], check=True)
    _, artifact, version = coordinates.split(":")
    return folder / f"{artifact}-{version}.jar"


@contextmanager
def maven_repository(kubectl: Kubectl, jars: Mapping[str, Path]) -> Generator[str]:
    """The repository, ready; its URL.

    Args:
        kubectl: of the sandbox.
        jars: the files of the repository, by Maven coordinates `group:artifact:version`.
    """
    for item in _objects():
        kubectl.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **item}).encode())
        if item["kind"] == "Namespace":
            until("the default account", lambda: kubectl.get("serviceaccount", "default", "-n", SERVER), 30)
    try:
        kubectl.run("wait", "--for=condition=Ready", f"pod/{SERVER}", "-n", SERVER, "--timeout=120s")
        for coordinates, jar in jars.items():
            group, artifact, version = coordinates.split(":")
            folder = f"/tmp/{group.replace('.', '/')}/{artifact}/{version}"
            store = f"mkdir -p {folder} && cat > {folder}/{artifact}-{version}.jar"
            kubectl.run("exec", "-i", "-n", SERVER, SERVER, "--", "sh", "-c", store, stdin=jar.read_bytes())
        yield REPOSITORY
    finally:
        kubectl.try_run("delete", "namespace", SERVER, "--timeout=60s")


def _objects() -> list[dict[str, Any]]:
    container = {
        "name": "server",
        "image": "pyflink:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/tmp"],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    metadata = {"name": SERVER, "namespace": SERVER}
    return [
        {"kind": "Namespace", "metadata": {"name": SERVER}},
        {"kind": "Pod", "metadata": {**metadata, "labels": {"app": SERVER}}, "spec": {"containers": [container]}},
        {"kind": "Service", "metadata": metadata}
        | {"spec": {"selector": {"app": SERVER}, "ports": [{"name": "http", "port": 8080}]}},
    ]
