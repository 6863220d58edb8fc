"""A project of its own for a test: job files and one stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.problems import Problem, ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.resolve.declared_stack import DeclaredStack

JOB = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: word-count
spec:
  image: pyflink:dev
  flinkVersion: v2_2
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 1g, cpu: 1}}
  job:
    jarURI: local:///opt/flink/job.jar
    args: [--input, /in, --verbose]
    parallelism: 1
    upgradeMode: stateless
"""

SESSION = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: session}
spec:
  image: pyflink:dev
  flinkVersion: v2_2
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 1g, cpu: 1}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: in-session}
spec:
  deploymentName: session
  job: {jarURI: "https://jars.example.org/a.jar", parallelism: 1, upgradeMode: stateless}
"""
"""A session cluster, and a job that runs in it."""


class Project:
    """A project of its own: job files and one stack."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "jobs").mkdir()
        self.job(JOB)
        self.stack({})

    def job(self, text: str, name: str = "word_count.yaml") -> None:
        (self.root / "jobs" / name).write_text(text)

    def stack(self, config: dict[str, Any] | str) -> None:
        """Config by key, without prefix, or the file's text."""
        if isinstance(config, dict):
            keys = {"flink-k8s:context": "c", **{f"flink-k8s:{key}": value for key, value in config.items()}}
            config = yaml.safe_dump({"config": keys}, sort_keys=False)
        (self.root / "Pulumi.x.yaml").write_text(config)

    def load(self) -> DeclaredStack:
        return load(self.root, read_config(self.root, "x"))

    def spec(self, name: str = "word-count") -> dict[str, Any]:
        [job] = [job for job in self.load().jobs if job.name == name]
        return dict(job.spec)

    def remarks(self) -> list[str]:
        """Warnings and notices, without the ids of their rules."""
        return [f"{remark.severity.value}: {replace(remark.problem, rule='')}" for remark in self.load().remarks]

    def problems(self) -> list[str]:
        """The problems, without the ids of their rules."""
        return [str(replace(problem, rule="")) for problem in self._problems()]

    def broken_rules(self) -> set[str]:
        """Ids of the rules that the problems are about."""
        return {problem.rule for problem in self._problems()}

    def _problems(self) -> tuple[Problem, ...]:
        with pytest.raises(ProblemsError) as raised:
            self.load()
        return raised.value.problems
