"""Concurrent runs do not read each other's stack file, and a run leaves only the keys that the command needs."""

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


def test_concurrent_runs_have_separate_files(state: Path):
    """A concurrent `make logs` once overwrote the file that an `up` was about to read, and the overlay was lost."""
    first, copy = run(2)
    second, other = run(3)
    stack.prepare("sandbox")
    assert (parallelism(copy), parallelism(other)) == (2, 3)
    for running in (first, second):
        running.communicate("\n")
        assert running.returncode == 0
    assert not copy.parent.exists()
    assert not other.parent.exists()


def test_a_state_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "file"))
    with pytest.raises(
        CommandError, match=r"the state folder .*file cannot be written: Not a directory; set FLINK_K8S_STATE"
    ):
        stack.prepare("sandbox")


def test_keys_of_the_command_are_kept_when_the_run_ends(state: Path):
    running, copy = run(2)
    with copy.open("a") as file:
        file.write("encryptionsalt: v1:by-the-command\n")
    running.communicate("\n")
    assert run_folder.kept("sandbox") == {"encryptionsalt": "v1:by-the-command"}
    assert yaml.safe_load((state / "config" / "Pulumi.sandbox.yaml").read_text()) == run_folder.kept("sandbox")
    content: dict[str, Any] = yaml.safe_load(stack.prepare("sandbox").config_file.read_text())
    assert content["encryptionsalt"] == "v1:by-the-command"


def test_the_folder_of_a_killed_run_is_deleted_and_its_keys_are_kept(state: Path):
    running, copy = run(2)
    with copy.open("a") as file:
        file.write("encryptionsalt: v1:by-the-command\n")
    living, its_copy = run(3)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert copy.exists()
    stack.prepare("sandbox")
    assert not copy.parent.exists()
    assert its_copy.exists()
    assert run_folder.kept("sandbox") == {"encryptionsalt": "v1:by-the-command"}
    living.communicate("\n")


def test_a_changed_secrets_provider_of_the_stack_file_is_kept(state: Path):
    copy = stack.prepare("sandbox").config_file
    for provider in ("awskms://alias/one", "awskms://alias/two"):
        content: dict[str, Any] = yaml.safe_load(copy.read_text())
        run_folder.write(copy, {**content, "secretsprovider": provider})
        run_folder.keep(copy)
        assert run_folder.kept("sandbox") == {"secretsprovider": provider}


def test_only_the_salt_of_a_new_stack_is_copied(state: Path):
    prepared_stack = stack.prepare("sandbox")
    before: dict[str, Any] = yaml.safe_load(prepared_stack.config_file.read_text())
    run_folder.write(
        run_folder.config_folder() / "Pulumi.sandbox.yaml", {"encryptionsalt": "v1:new", "config": {"a:b": 1}}
    )
    stack.copy_salt(prepared_stack)
    assert yaml.safe_load(prepared_stack.config_file.read_text()) == {"encryptionsalt": "v1:new", **before}
