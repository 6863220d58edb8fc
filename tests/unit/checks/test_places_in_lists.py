"""Findings about items of lists name the file, the line and the index where the item is written."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config, with_overlay
from tests.unit.project import JOB, Project
from tests.unit.resolve.test_sql import HEADER, STATEMENTS

SIDECAR = """\
podTemplate:
  spec:
    containers:
      - name: flink-main-container
      - name: sidecar
        resources: {limits: {memory: 1GB}}
    volumes: []
"""
QUANTITY = 'is "1GB", which is not a valid value; write a quantity such as "500m", "2" or "4Gi"'


def indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


@pytest.mark.parametrize("key", ["jobs.word-count", "jobDefaults", "enforced"])
def test_item_of_a_stack_file(project: Project, key: str) -> None:
    lines = "  flink-k8s:jobs:\n    word-count:\n" if "." in key else f"  flink-k8s:{key}:\n    parallelism: 2\n"
    spaces = 6 if "." in key else 4
    settings = indented(f"spec:\n{indented(SIDECAR, 2)}", spaces)
    project.stack(f"config:\n  flink-k8s:context: c\n{lines}{settings}")
    place = f"{key}.spec.podTemplate.spec.containers[1]"
    missing, quantity = project.problems()
    assert missing.startswith(f"Pulumi.x.yaml:10: {place}.image: of container sidecar is missing; ")
    assert quantity == f"Pulumi.x.yaml:11: {place}.resources.limits.memory: {QUANTITY}"


def test_item_of_the_header_of_a_script(project: Project) -> None:
    project.job(HEADER.replace("*/\n", f"spec:\n{indented(SIDECAR, 2)}*/\n") + STATEMENTS, "totals.sql")
    missing, quantity = project.problems()
    assert missing.startswith("jobs/totals.sql:13: spec.podTemplate.spec.containers[1].image: of container sidecar is")
    assert quantity == f"jobs/totals.sql:14: spec.podTemplate.spec.containers[1].resources.limits.memory: {QUANTITY}"


def test_item_of_one_process(project: Project) -> None:
    own = {"containers": [{"name": "flink-main-container", "env": [{"name": "A", "value": 5}]}]}
    spec = {"jobManager": {"podTemplate": {"spec": own}}}
    project.stack({"jobs": {"word-count": {"jobManager": {"memory": "2g"}, "spec": spec}}})
    [problem] = project.problems()
    path = "jobs.word-count.spec.jobManager.podTemplate.spec.containers[0].env[0].value"
    assert problem == f"Pulumi.x.yaml:15: {path}: is a number, which is not a valid value; quote it"


def test_field_that_no_source_sets_is_missing_in_the_job_file(project: Project) -> None:
    project.job(JOB.replace("    parallelism: 1\n", ""))
    project.stack({"jobs": {"word-count": {"args": ["--input", "/in"]}}})
    [problem] = project.problems()
    assert problem.startswith("jobs/word_count.yaml:10: spec.job.parallelism: is missing")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"jobs:\n  word-count:\n    spec:\n{indented(SIDECAR, 6)}", "8: jobs.word-count.spec.podTemplate.spec.containers[1].image: of container sidecar is"),
        ("flink-k8s:jobs: {}\n", "1: flink-k8s:jobs: unknown field; write jobs, without the prefix"),
        ("config: {flink-k8s:jobs: {}}\n", "1: config: unknown field; write its keys at the top of the file, without the prefix flink-k8s:"),
    ],
)  # fmt: skip
def test_place_in_an_overlay(project: Project, text: str, problem: str) -> None:
    overlay = project.root / "layer.yaml"
    overlay.write_text(text)
    with pytest.raises(ProblemsError) as raised:
        load(project.root, with_overlay(read_config(project.root, "x"), overlay))
    assert any(str(found).startswith(f"{overlay}:{problem}") for found in raised.value.problems)
    assert {found.file for found in raised.value.problems} == {str(overlay)}
