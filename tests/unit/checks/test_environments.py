"""Stack files with Pulumi ESC environments, which only the engine opens."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.findings import Severity
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import engine_config, read_config, with_overlay
from flink_k8s.operations import stack as stacks
from flink_k8s.program.command import declared_graph
from flink_k8s.support.paths import ROOT
from tests.unit.project import Project


def file(environment: object, **config: object) -> str:
    keys = {f"flink-k8s:{key}": value for key, value in config.items()}
    return yaml.safe_dump({"config": keys, "environment": environment}, sort_keys=False)


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        (["flink/prod", "flink/secrets@stable"], "flink/prod, flink/secrets@stable"),
        ({"imports": ["flink/prod", {"flink/other": {"merge": False}}]}, "flink/prod, flink/other"),
        ({"values": {"pulumiConfig": {"context": "production"}}}, "its own values"),
    ],
)
def test_a_context_that_an_environment_can_set_is_not_missing(
    project: Project, environment: object, names: str
) -> None:
    project.stack(file(environment))
    [remark] = [remark for remark in project.load().remarks if remark.problem.rule == "unread-environment"]
    assert remark.severity is Severity.NOTICE
    assert str(remark.problem) == (
        "Pulumi.x.yaml:2: environment: is not opened, so its config is unknown: "
        f"{names}; a preview and `up` open it; to check its values without the engine, write them into an overlay "
        "[unread-environment]"
    )


@pytest.mark.parametrize("environment", [None, [], {}])
def test_without_an_environment_the_context_is_missing(project: Project, environment: object) -> None:
    project.stack(file(environment))
    with pytest.raises(ProblemsError, match="context: is missing"):
        project.load()


def test_values_of_an_overlay_replace_those_of_the_environment(project: Project, tmp_path: Path) -> None:
    project.stack(file(["flink/prod"]))
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("context: production\nstateStorage: {folder: [a]}\n")
    with pytest.raises(ProblemsError, match=r"overlay.yaml:2: stateStorage.folder: is a list"):
        load(project.root, with_overlay(read_config(project.root, "x"), overlay))


def test_the_engine_passes_the_config_of_environments(project: Project) -> None:
    config = engine_config({"flink-k8s:context": "production"}, "x")
    assert load(project.root, config).settings.context == "production"
    with pytest.raises(ProblemsError, match="context: is missing"):
        load(project.root, engine_config({}, "x"))


def test_commands_that_use_the_cluster_need_the_context(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "ROOT", project.root)
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    project.stack(file(["flink/prod"]))
    with pytest.raises(ProblemsError, match=r"Pulumi.x.yaml:1: context: is not in the file, and only the engine opens"):
        stacks.prepare("x")
    copy = stacks.prepare("x", {"context": "production"}).config_file
    assert yaml.safe_load(copy.read_text()) == {
        "config": {"flink-k8s:context": "production"},
        "environment": ["flink/prod"],
    }


def test_stacks_on_a_platform_read_its_file(project: Project) -> None:
    (project.root / "Pulumi.platform.yaml").write_text(file(["flink/prod"]))
    project.stack(file(["flink/team"], platform="platform"))
    with pytest.raises(ProblemsError, match=r"Pulumi.platform.yaml:1: context: is not in the file, which Pulumi.x"):
        project.load()
    (project.root / "Pulumi.platform.yaml").write_text(file(["flink/prod"], context="production"))
    assert project.load().settings.context == "production"


def test_rendered_stacks_have_a_notice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = tmp_path / "Pulumi.dev.yaml"
    stack.write_text((ROOT / "Pulumi.dev.yaml").read_text().rstrip() + "\nenvironment: [flink/prod]\n")
    declared_graph("dev", stack)
    notice = "environment: is not opened, so its config is unknown: flink/prod"
    assert f"notice: {stack}: {notice}" in capsys.readouterr().err.splitlines()
