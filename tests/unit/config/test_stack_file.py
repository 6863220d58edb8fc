"""`Pulumi.<stack>.yaml` without the pulumi command, and Pulumi.yaml's own section."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from dev.schema import project_config
from flink_k8s.config.problems import STACK_CONFIG, YAML, ProblemsError
from flink_k8s.config.stack_file import read, read_config, stacks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "Pulumi.x.yaml").write_text(text)
        return tmp_path

    return write


def problems_of(root: Path, stack: str = "x") -> list[str]:
    with pytest.raises(ProblemsError) as raised:
        read_config(root, stack)
    assert {problem.rule for problem in raised.value.problems} <= {STACK_CONFIG, YAML}
    return [str(replace(problem, rule="")) for problem in raised.value.problems]


def test_prefix_is_removed_and_keys_of_pulumi_are_omitted(write) -> None:
    root = write("config:\n  flink-k8s:context: c\n  jobTimeout: 5m\n  pulumi:disable-default-providers: [x]\n")
    assert read(root, "x") == {"context": "c", "jobTimeout": "5m"}


def test_a_stack_file_elsewhere(write, tmp_path: Path) -> None:
    root = write("config: {}\n")
    other = tmp_path / "other.yaml"
    other.write_text("config:\n  flink-k8s:context: d\n")
    assert read(root, "x", other) == {"context": "d"}


def test_an_empty_file_and_a_file_without_config_are_empty_stacks(write) -> None:
    assert read(write("encryptionsalt: v1:x\n"), "x") == {}
    assert read(write("# nothing said\n"), "x") == {}


def test_unknown_stack_lists_the_existing_stacks(write) -> None:
    root = write("config: {}\n")
    assert problems_of(root, "y") == ["Pulumi.y.yaml: does not exist; use one of the stacks: x"]
    assert stacks(root) == ["x"]


def test_stack_name_can_contain_dots(tmp_path: Path) -> None:
    """It is found by the name under which it is read."""
    (tmp_path / "Pulumi.team.a.yaml").write_text("config: {context: c}\n")
    assert stacks(tmp_path) == ["team.a"]
    assert read(tmp_path, *stacks(tmp_path)) == {"context": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "Pulumi.x.yaml: is not a stack file; write one document with the key config"),
        ("config: {}\n---\nconfig: {}\n", "Pulumi.x.yaml: is not a stack file; write one document with the key config"),
        ("config: text\n", "Pulumi.x.yaml:1: config: is not a mapping; write one key per line"),
        ("konfig: {}\n", 'Pulumi.x.yaml:1: konfig: unknown key of a stack file; did you mean "config"?'),
        ("config:\n  other:context: a\n",
         'Pulumi.x.yaml:2: config.other:context: belongs to the project "other"; use the prefix flink-k8s:'),
        ("config:\n  flink-k8s:context: a\n  context: b\n",
         "Pulumi.x.yaml:3: config.context: is a duplicate key, with and without the prefix flink-k8s:; remove one of them"),
        ("config: [\n", "Pulumi.x.yaml:2: is not valid YAML: while parsing a flow node did not find expected node content;"
         " fix the syntax"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(write, text: str, message: str) -> None:
    assert problems_of(write(text)) == [message]


def test_config_section_of_pulumi_yaml_equals_the_models() -> None:
    assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"] == project_config()
