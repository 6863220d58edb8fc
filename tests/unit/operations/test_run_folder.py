"""Runs side by side do not read each other's stack file; nothing of a run is left but what the command has to find."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.operations import run_folder, stack
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

RUN = """
import sys
from flink_k8s.operations import stack
made = stack.prepare("sandbox", {"jobs": {"word-count": {"parallelism": int(sys.argv[1])}}})
print(made.config_file, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def run(parallelism: int) -> tuple[subprocess.Popen[str], Path]:
    """Another process that has prepared the stack, and waits; its copy."""
    command = [sys.executable, "-c", RUN, str(parallelism)]
    running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    return running, Path(running.stdout.readline().strip())


def parallelism(copy: Path) -> int:
    content: dict[str, Any] = yaml.safe_load(copy.read_text())
    return content["config"]["flink-k8s:jobs"]["word-count"]["parallelism"]


def test_a_run_beside_another_changes_nothing_that_the_other_reads(state: Path):
    """A `make logs` in another window wrote over the file that an `up` was about to read: its layer was gone."""
    first, copy = run(2)
    second, other = run(3)
    stack.prepare("sandbox")
    assert (parallelism(copy), parallelism(other)) == (2, 3)
    for running in (first, second):
        running.communicate("\n")
        assert running.returncode == 0
    assert not copy.parent.exists()
    assert not other.parent.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "file"))
    with pytest.raises(CommandError, match="file, where the stacks' state is kept, cannot be written: Not a directory"):
        stack.prepare("sandbox")


def test_what_the_command_wrote_is_kept_when_the_run_ends(state: Path):
    running, copy = run(2)
    with copy.open("a") as written:
        written.write("encryptionsalt: v1:by-the-command\n")
    running.communicate("\n")
    assert run_folder.kept("sandbox") == {"encryptionsalt": "v1:by-the-command"}
    assert yaml.safe_load((state / "config" / "Pulumi.sandbox.yaml").read_text()) == run_folder.kept("sandbox")
    content: dict[str, Any] = yaml.safe_load(stack.prepare("sandbox").config_file.read_text())
    assert content["encryptionsalt"] == "v1:by-the-command"


def test_what_a_killed_run_leaves_is_kept_and_cleared_away_by_the_next(state: Path):
    running, copy = run(2)
    with copy.open("a") as written:
        written.write("encryptionsalt: v1:by-the-command\n")
    living, its_copy = run(3)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert copy.exists()
    stack.prepare("sandbox")
    assert not copy.parent.exists()
    assert its_copy.exists()
    assert run_folder.kept("sandbox") == {"encryptionsalt": "v1:by-the-command"}
    living.communicate("\n")


def test_the_stack_files_own_provider_of_secrets_wins(state: Path):
    copy = stack.prepare("sandbox").config_file
    for said in ("awskms://alias/one", "awskms://alias/two"):
        content: dict[str, Any] = yaml.safe_load(copy.read_text())
        run_folder.write(copy, {**content, "secretsprovider": said})
        run_folder.keep(copy)
        assert run_folder.kept("sandbox") == {"secretsprovider": said}


def test_a_new_stacks_salt_comes_into_the_copy_and_no_other_key(state: Path):
    made = stack.prepare("sandbox")
    before: dict[str, Any] = yaml.safe_load(made.config_file.read_text())
    run_folder.write(run_folder.home() / "Pulumi.sandbox.yaml", {"encryptionsalt": "v1:new", "config": {"a:b": 1}})
    stack.salted(made)
    assert yaml.safe_load(made.config_file.read_text()) == {"encryptionsalt": "v1:new", **before}
