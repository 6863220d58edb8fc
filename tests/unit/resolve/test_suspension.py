"""The spec of a suspended job, and that no file can set the suspension."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.resolve.explain import explain
from flink_k8s.resolve.jobs import Job
from tests.unit.project import JOB, Project

SINCE = "2026-11-23 21:00 UTC, ada on laptop"
BLUE_GREEN = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkBlueGreenDeployment
metadata: {name: word-count}
spec:
  template:
    spec:
      image: shop:1
      flinkVersion: v2_2
      jobManager: {resource: {memory: 1g, cpu: 1}}
      taskManager: {resource: {memory: 1g, cpu: 1}}
      job: {jarURI: "local:///job.jar", parallelism: 1, upgradeMode: stateless}
"""


def suspended(project: Project, kind: str = "FlinkDeployment") -> Job:
    config = read_config(project.root, "x")
    jobs = {f"{kind}/flink/word-count": SINCE}
    [job] = load(project.root, replace(config, values={**config.values, "suspension": {"jobs": jobs}})).jobs
    return job


def test_suspension_overrides_all_sources_and_is_annotated(project: Project):
    project.stack({"jobs": {"word-count": {"state": "running"}}, "enforced": {"state": "running"}})
    before: Any = project.load().jobs[0].manifest
    after: Any = suspended(project).manifest
    assert before["spec"]["job"]["state"] == "running"
    assert after["spec"]["job"]["state"] == "suspended"
    assert after["metadata"]["annotations"] == {"flink-k8s/suspended": SINCE}
    # Its JobManager goes with it; nothing else is another.
    ttl = after["spec"]["flinkConfiguration"].pop("kubernetes.operator.jm-deployment.shutdown-ttl")
    assert ttl == "1 s"
    after["spec"]["job"]["state"] = "running"
    assert before["spec"] == after["spec"]


def test_suspension_of_a_blue_green_deployment_is_in_its_template(project: Project):
    project.job(BLUE_GREEN)
    assert suspended(project, "FlinkBlueGreenDeployment").spec["template"] == {
        **(before := dict(project.spec())["template"]),
        "spec": {**before["spec"], "job": {**before["spec"]["job"], "state": "suspended"}},
    }


def test_session_cluster_cannot_be_suspended(project: Project):
    project.job(JOB[: JOB.index("  job:")])
    assert "job" not in suspended(project).spec
    assert "annotations" not in suspended(project).manifest["metadata"]  # pyright: ignore


def test_source_of_a_suspension_is_explained(project: Project):
    lines = list(explain(suspended(project)))
    [line] = [line for line in lines if line.startswith("spec.job.state")]
    assert line.endswith("# make suspend")


def test_suspension_in_a_stack_file_is_an_error(project: Project):
    project.stack({"suspension": {"jobs": {}}})
    with pytest.raises(ProblemsError, match=r'suspension: is stored only .*; set "state: suspended"'):
        project.load()


def test_explain_of_a_suspended_job_shows_replaced_values(project: Project):
    project.stack({"enforced": {"image": "forced:1"}})
    lines = list(explain(suspended(project)))
    [line] = [line for line in lines if line.startswith("spec.image")]
    assert line.endswith('instead of "pyflink:dev"')
