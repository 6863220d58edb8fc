"""What keeps the repository in order: workflows that call, Renovate that really matches, hooks that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import lint_workflows
from dev.supply_chain import __main__ as supply_chain
from flink_k8s.config.stack_file import stacks
from flink_k8s.facts import versions
from flink_k8s.support.paths import ROOT
from sandbox import engine

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def jobs(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())["jobs"]


def test_workflow_files_are_listed() -> None:
    assert [path.stem for path in WORKFLOWS] == ["audit", "deploy", "drift", "pull-request", "review-stack"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_a_thin_caller_with_few_rights(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 60
        assert set(job["permissions"]) <= {"contents", "pull-requests", "issues"}
        assert job["permissions"]["contents"] == "read"
        for step in job["steps"]:
            script = str(step.get("run", "")).strip()
            assert script.count("\n") < 3
            actual = re.findall(r"\bmake ([a-z -]+)", script)
            assert not {target for words in actual for target in words.split()} - TARGETS
            assert "${{" not in script  # what others write goes through the environment


def test_a_stack_is_run_once_at_a_time_and_never_cancelled() -> None:
    _, deploy, drift, _, review = WORKFLOWS
    for stack, job in jobs(deploy).items():
        assert job["concurrency"] == {"group": f"stack-{stack}", "cancel-in-progress": False}
        assert job["environment"] == stack
    assert list(jobs(deploy)) == ["dev", "staging", "prod"]
    assert [job.get("needs") for job in jobs(deploy).values()] == [None, "dev", "staging"]
    assert yaml.safe_load(review.read_text())["concurrency"]["cancel-in-progress"] is False
    looking = jobs(drift)["drift"]
    assert looking["concurrency"] == {"group": "stack-${{ matrix.stack }}", "cancel-in-progress": False}
    assert set(looking["strategy"]["matrix"]["stack"]) < set(stacks(ROOT))


def found_by_renovate() -> dict[str, set[str]]:
    """Name to versions, as its regular expressions find them."""
    settings: dict[str, set[str]] = {}
    for manager in json.loads((ROOT / "renovate.json").read_text())["customManagers"]:
        patterns = [re.compile(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
        for path in ROOT.rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if ".venv" in name or not any(pattern.search(name) for pattern in patterns) or not path.is_file():
                continue
            expressions, text = (
                [expression.replace("(?<", "(?P<") for expression in manager["matchStrings"]],
                path.read_text(),
            )
            if manager.get("matchStringsStrategy") == "recursive":  # each looks at what the one before has matched
                for outer in expressions[:-1]:
                    text = "\n".join(match[0] for match in re.finditer(outer, text))
                expressions = expressions[-1:]
            for match in (match for expression in expressions for match in re.finditer(expression, text)):
                groups = match.groupdict()
                depends = groups.get("depName") or manager["depNameTemplate"]
                assert groups.get("datasource") or manager["datasourceTemplate"]
                settings.setdefault(depends, set()).add(groups["currentValue"])
    return settings


def test_renovate_sees_every_version_that_is_marked_for_it() -> None:
    actual = found_by_renovate()
    charts = (versions.CERT_MANAGER, versions.PROMETHEUS, versions.LOG_STORE, versions.LOG_COLLECTOR)
    assert {chart.name: {chart.version} for chart in charts}.items() <= actual.items()
    assert actual["org.apache.flink:flink-kubernetes-operator-api"] == {versions.OPERATOR.version}
    assert actual["flink"] == set(versions.FLINK_IMAGES.values())
    assert actual["rhysd/actionlint"] == {lint_workflows.ACTIONLINT}
    assert actual["google/osv-scanner"] == {supply_chain.OSV_SCANNER}
    assert actual["pulumi/pulumi"] == {(ROOT / ".pulumi.version").read_text().strip()}
    marked = [
        name
        for folder in ("flink_k8s", "dev", "sandbox")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"^ *# renovate: .*depName=(\S+)", path.read_text(), re.MULTILINE)
    ]
    assert len(marked) >= 4
    assert set(marked) <= actual.keys()


def test_every_file_pins_the_listed_pulumi_versions() -> None:
    listed = versions.PULUMI
    requirements = (ROOT / "requirements.in").read_text()
    assert f"pulumi=={listed.sdk}\n" in requirements
    assert f"pulumi-kubernetes=={listed.kubernetes}\n" in requirements
    assert (ROOT / ".pulumi.version").read_text().strip() == listed.sdk
    assert engine.PULUMI.release == listed.built_command
    assert listed.kubernetes == engine.PROVIDER_RELEASE


def test_the_built_command_is_the_sdks_as_far_as_the_registries_allow() -> None:
    sdk, command = ([int(part) for part in text.split(".")] for text in (versions.PULUMI.sdk, engine.PULUMI.release))
    assert sdk[0] == command[0]
    # The proxy serves no command of the SDK's minor version; the next that it serves is two later. Where it serves the
    # SDK's own, this has to be 0.
    assert 0 <= command[1] - sdk[1] <= 2


def test_every_hook_runs_what_make_lint_runs() -> None:
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in local["hooks"]:
        program, *words = hook["entry"].split()
        assert program in (".venv/bin/ruff", ".venv/bin/python")
        if words[0] == "-m":
            module = ROOT / words[1].replace(".", "/")
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists()


def test_the_container_is_set_up_by_make() -> None:
    content = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert content["postCreateCommand"].startswith("make .venv/.dev")
