"""The variables of make's targets: their text is never code, and a misspelt or missing one is an error."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.cli.main import COMMANDS
from flink_k8s.support.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = sorted({name for line in re.findall(r"^([a-z][a-z0-9 -]*):.*## ", MAKEFILE, re.M) for name in line.split()})
VARIABLES = re.findall(r"^VARIABLES := (.*?[^\\])$", MAKEFILE, re.M | re.S)[0].replace("\\\n", " ").split()
CHANGING = ("up", "destroy", "suspend", "resume", "restore-drill", "review-stack", "unstick", "ns", "install")

Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make` with the project's Makefile, and a Python that prints its arguments, one a line."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "<%s>\\n" "$@"\n')
    python.chmod(0o755)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    for name in (".run", ".dev"):
        (tmp_path / ".venv" / name).touch()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if key not in (*VARIABLES, "MAKEFLAGS", "MAKELEVEL")}
        command = ["make", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={**env, **environment}, capture_output=True, text=True, check=False
        )

    return run


HOSTILE = "a\"; touch hit; \"b'; touch hit; 'c`touch hit`$(touch hit)$(shell touch hit)${IFS}\ntouch hit\n#"


def test_the_makefile_has_targets_and_variables():
    assert {"up", "check", "review"} < set(TARGETS)
    assert {"STACK", "LAYER", "ALLOW"} < set(VARIABLES)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("where", ["command line", "environment"])
def test_values_of_variables_are_not_executed(make: Make, tmp_path: Path, target: str, where: str):
    texts = dict.fromkeys(VARIABLES, HOSTILE)
    if where == "environment":
        make(target, **texts)
    else:
        make(target, *(f"{name}={text}" for name, text in texts.items()))
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize("text", ["with blanks", 'quote"s', "$(shell echo x)", "a$b", "`x`", "ü"])
def test_values_of_variables_are_passed_unchanged(make: Make, text: str):
    result = make("up", "STACK=dev", f"LAYER={text}", "TIMINGS=1")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "<-m>",
        "<flink_k8s>",
        "<up>",
        "<dev>",
        "<--overlay>",
        f"<{text}>",
        "<--timings>",
    ]


def test_a_misspelt_variable_is_an_error_that_names_the_right_one(make: Make):
    result = make("up", "STAK=prod")
    assert result.returncode != 0
    assert "unknown variable STAK" in result.stderr
    assert "STACK" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("target", CHANGING)
def test_targets_that_change_a_stack_require_its_name(make: Make, target: str):
    result = make(target)
    assert result.returncode != 0
    assert "name the stack" in result.stderr
    assert "<-m>" not in result.stdout
    assert "<prod>" in make(target, "STACK=prod", "REVIEW=pr-1").stdout.splitlines()


def test_only_a_repair_of_drift_requires_the_stacks_name(make: Make):
    assert "name the stack" in make("drift", "REPAIR=1").stderr
    assert "<dev>" in make("drift").stdout.splitlines()
    assert "<--repair>" in make("drift", "REPAIR=1", "STACK=prod").stdout.splitlines()


def test_render_writes_to_out_or_to_the_folder_of_the_stack(make: Make):
    assert "<out/dev>" in make("render").stdout.splitlines()
    assert "<out/prod>" in make("render", "STACK=prod").stdout.splitlines()
    assert "<elsewhere>" in make("render", "STACK=prod", "OUT=elsewhere").stdout.splitlines()


VALUES = {
    "COST": "text",
    "KIND": "sql",
    "GITOPS": "flux",
    "FORMAT": "text",
    "ORDERED": "1",
    "JOB": "word-count",
    "STACK": "prod",
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "variables", [{"STACK": "prod", "JOB": "a", "REVIEW": "pr-1"}, {name: VALUES.get(name, "x") for name in VARIABLES}]
)
def test_a_target_is_a_command_line_that_parses(make: Make, target: str, variables: dict[str, str]):
    lines = make(target, *(f"{name}={text}" for name, text in variables.items())).stdout.splitlines()
    words = [line[1:-1] for line in lines if line.startswith("<")]
    if words[:2] == ["-m", "flink_k8s"]:
        options = COMMANDS[words[2]].parser("flink_k8s").parse_args(words[3:])
        assert getattr(options, "stack", None) in ("prod", None)
        assert getattr(options, "job", "") in ("a", "word-count", "")
