"""The shipped environments differ where they should, keep their own rules, and say why."""

from __future__ import annotations

import re

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import read_config, stacks
from flink_k8s.resolve.declared_stack import DeclaredStack
from tests.program.conftest import ROOT

STACKS = ("dev", "staging", "prod")


def platform(stack: str) -> DeclaredStack:
    return load(ROOT, read_config(ROOT, stack))


def test_shipped_environments_are_dev_staging_and_prod():
    assert set(STACKS) < set(stacks(ROOT))


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_strict_environments_have_no_warnings(stack):
    declared = platform(stack)
    assert declared.settings.strict
    assert declared.remarks == ()
    assert all("@sha256:" in job.spec["image"] for job in declared.jobs)


def test_environments_differ_in_cluster_and_sizes():
    settings = [platform(stack).settings for stack in STACKS]
    assert len({setting.context for setting in settings}) == 3
    assert [setting.protect_jobs for setting in settings] == [False, False, True]
    parallelism = [platform(stack).jobs[0].spec["job"]["parallelism"] for stack in STACKS]
    assert parallelism == sorted(set(parallelism))


def test_staging_and_prod_have_the_same_image():
    images = [{job.name: job.spec["image"] for job in platform(stack).jobs} for stack in ("staging", "prod")]
    assert images[0] == images[1]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_each_key_of_a_stack_file_has_a_comment(stack):
    lines = (ROOT / f"Pulumi.{stack}.yaml").read_text().splitlines()
    silent: list[str] = []
    for index, line in enumerate(lines):
        if re.match(r"  flink-k8s:", line):
            block = [line]
            for after in lines[index + 1 :]:
                if re.match(r"  flink-k8s:", after):
                    break
                block.append(after)
            if not lines[index - 1].strip().startswith("#") and not any("#" in item for item in block):
                silent.append(line)
    assert silent == []


def test_environments_page_contains_each_environment_and_context():
    page = (ROOT / "docs" / "environments.md").read_text()
    assert "| | " + " | ".join(STACKS) + " |" in page
    for stack in STACKS:
        context = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]["flink-k8s:context"]
        assert f"`{context}`" in page
