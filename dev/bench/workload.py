"""The same jobs in each compared form: job files in a copy of this project, a Helm chart, plain YAML."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from dev.bench.measure import cost
from flink_k8s.support.paths import ROOT

STACK = "bench"
NAMESPACE = "bench"

_PARTS = ("flink_k8s", "policy")

_JOB = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: %s}
spec:
  image: pyflink:dev
  flinkVersion: v2_2
  flinkConfiguration: {taskmanager.numberOfTaskSlots: "2"}
  jobManager: {resource: {memory: 1g, cpu: 0.5}}
  taskManager: {resource: {memory: 1g, cpu: 0.5}}
  job: {jarURI: local:///opt/flink/job.jar, parallelism: 2, upgradeMode: stateless}
"""

_TEMPLATE = """\
{{- range $name := .Values.jobs }}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: {{ $name }}
  namespace: bench
  labels: {app.kubernetes.io/name: {{ $name }}, app.kubernetes.io/managed-by: helm}
spec:
{{ toYaml $.Values.spec | indent 2 }}
{{- end }}
"""


def names(count: int) -> list[str]:
    """The names of the jobs."""
    return [f"job-{number:04}" for number in range(count)]


def job_file(name: str) -> str:
    """A job's manifest."""
    return _JOB % name


def changed(manifest: str) -> str:
    """The same job with another parallelism."""
    return manifest.replace("parallelism: 2", "parallelism: 3")


def project(folder: Path, count: int, config: dict[str, object] | None = None) -> Path:
    """A copy of this project with a number of jobs, and the stack `bench`: one namespace, without charts.

    Args:
        folder: to create.
        count: number of jobs, one file each.
        config: more of the stack's keys.
    """
    for part in _PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "__main__.py", folder)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    jobs = folder / "jobs"
    jobs.mkdir()
    for name in names(count):
        (jobs / f"{name}.yaml").write_text(job_file(name), encoding="utf-8")
    keys: dict[str, object] = {
        "context": "bench",
        "namespaces": {NAMESPACE: {}},
        "certManager": {"enabled": False},
        "prometheus": {"enabled": False, "monitors": False},
        "operator": {"enabled": False},
        "networkPolicies": {"enabled": False},
        "waitForJobs": False,
        **(config or {}),
    }
    content = {"config": {f"flink-k8s:{key}": value for key, value in keys.items()}}
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def objects(folder: Path, out: Path) -> list[Path]:
    """The rendered objects of the stack: one file per object, in a folder without other files.

    Raises:
        CommandError: if it cannot be rendered.
    """
    cost([sys.executable, "-m", "flink_k8s", "render", STACK, out], folder)
    (out / "kustomization.yaml").unlink()
    return sorted(out.glob("*.yaml"))


def chart(folder: Path, count: int) -> Path:
    """A Helm chart that renders the same jobs."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: jobs\nversion: 1.0.0\n")
    (folder / "templates" / "jobs.yaml").write_text(_TEMPLATE)
    values = {"jobs": names(count), "spec": yaml.safe_load(_JOB % "x")["spec"]}
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    return folder


PLAIN = """\
import pathlib, sys, yaml
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml")):
    manifest = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    sys.stdout.write(yaml.dump(manifest, Dumper=yaml.CSafeDumper))
"""
"""Reads and writes each job file: a lower bound for tools that process job files."""
