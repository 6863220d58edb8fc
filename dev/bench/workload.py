"""The same jobs in each compared form: job files in a copy of this project, a Helm chart, plain YAML."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from dev.bench.measure import cost
from flink_k8s.support.paths import ROOT

STACK = "bench"
"""The stack and its namespace."""

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
    before, after = (2, 3) if "parallelism: 2" in manifest else (3, 2)
    return manifest.replace(f"parallelism: {before}", f"parallelism: {after}")


def project(
    folder: Path, count: int, config: dict[str, object] | None = None, stacks: Sequence[str] = (STACK,)
) -> Path:
    """A copy of this project with stacks without charts. Each has a number of jobs, in a namespace with its name.

    Args:
        folder: to create.
        count: number of jobs of each stack, one file each.
        config: more of the stacks' keys.
        stacks: their names.
    """
    for part in _PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "__main__.py", folder)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for stack in stacks:
        jobs = folder / "jobs" / stack
        jobs.mkdir(parents=True)
        for name in names(count):
            (jobs / f"{name}.yaml").write_text(job_file(name), encoding="utf-8")
        keys: dict[str, object] = {
            "context": "bench",
            "jobFolders": [f"jobs/{stack}"],
            "namespaces": {stack: {}},
            "certManager": {"enabled": False},
            "prometheus": {"enabled": False, "monitors": False},
            "operator": {"enabled": False},
            "networkPolicies": {"enabled": False},
            "waitForJobs": False,
            **(config or {}),
        }
        content = {"config": {f"flink-k8s:{key}": value for key, value in keys.items()}}
        (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def objects(folder: Path, out: Path, stacks: Sequence[str] = (STACK,)) -> list[Path]:
    """The rendered objects of the stacks: one file per object, in a folder per stack without other files.

    Raises:
        CommandError: if a stack cannot be rendered.
    """
    for stack in stacks:
        cost([sys.executable, "-m", "flink_k8s", "render", stack, out / stack], folder)
        (out / stack / "kustomization.yaml").unlink()
    return sorted(out.rglob("*.yaml"))


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
