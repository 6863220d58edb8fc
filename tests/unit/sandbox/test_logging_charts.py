"""The charts of the log store and its collector, rendered by helm with the values that the program passes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.components.logging import collector_values, store_values
from flink_k8s.config.logging_model import LoggingSettings
from flink_k8s.config.model import Charts
from flink_k8s.facts import versions
from sandbox.charts import pack, sources
from sandbox.home import home
from sandbox.images.victoria_logs import IMAGES, MODULE

HELM = shutil.which("helm") or (str(home().bin / "helm") if (home().bin / "helm").exists() else None)
pytestmark = pytest.mark.skipif(HELM is None, reason="no helm on PATH, nor in the sandbox's home (make e2e builds it)")

SETTINGS = LoggingSettings(enabled=True)
STORE = store_values(SETTINGS, Charts(), network_policies=True)
COLLECTOR = collector_values(Charts(), {"flink", "flink-operator"})


def render(folder: Path, chart: versions.Chart, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The objects by kind."""
    package = folder / "chart.tgz"
    package.write_bytes(pack(chart.name, sources(chart.name), chart.version, MODULE.version))
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    environment = os.environ | {"HELM_CACHE_HOME": str(folder / "cache"), "HELM_CONFIG_HOME": str(folder / "config")}
    command = [str(HELM), "template", "logs", str(package), "--namespace", "logging"]
    result = subprocess.run(
        [*command, "--values", str(folder / "values.yaml")],
        text=True,
        capture_output=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return {item["kind"]: item for item in yaml.safe_load_all(result.stdout) if item}


def container(workload: dict[str, Any]) -> dict[str, Any]:
    (only,) = workload["spec"]["template"]["spec"]["containers"]
    return only


def test_images_are_those_that_the_sandbox_builds(tmp_path: Path) -> None:
    store = container(render(tmp_path, versions.LOG_STORE, STORE)["StatefulSet"])
    collector = container(render(tmp_path, versions.LOG_COLLECTOR, COLLECTOR)["DaemonSet"])
    assert [store["image"], collector["image"]] == [f"docker.io/library/{image.name}" for image in IMAGES]


def test_the_service_and_the_policy_select_the_pod_of_the_store(tmp_path: Path) -> None:
    objects = render(tmp_path, versions.LOG_STORE, STORE)
    labels = objects["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert objects["Service"]["metadata"]["name"] == "victoria-logs"
    assert {"--retentionPeriod=14d", "--retention.maxDiskUsagePercent=85"} <= {
        *container(objects["StatefulSet"])["args"]
    }


def test_the_collector_sends_to_the_service_of_the_store(tmp_path: Path) -> None:
    objects = render(tmp_path, versions.LOG_COLLECTOR, COLLECTOR)
    arguments = container(objects["DaemonSet"])["args"]
    assert "--remoteWrite.url=http://victoria-logs:9428/insert/native" in arguments
    assert '--kubernetesCollector.excludeFilter=!"kubernetes.pod_namespace":in("flink","flink-operator")' in arguments
    assert objects["DaemonSet"]["spec"]["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]
    role = objects["ClusterRole"]["rules"]
    assert [rule["verbs"] for rule in role] == [["get", "list", "watch"]]
