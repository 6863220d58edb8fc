"""The project as a user runs it: `make` on a stack with more config, here or in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from sandbox.images import PAIRS as BUILT
from tests.working_copy import working_copy, write_jobs

ROOT = Path(__file__).resolve().parents[1]
PAIRS = {path.stem: path for path in sorted((ROOT / "sandbox" / "pairs").glob("*.yaml"))}
"""Config for each operator version that the sandbox builds, with the Flink that it runs."""
PAIR = BUILT[0].operator.version
"""The default operator version."""
NOTHING = re.compile(r"\d+ unchanged\s*$", re.MULTILINE)
"""The end of a preview without changes."""


def changes(output: str) -> set[str]:
    """The kinds of change in the summary of a preview (`+ 3 to create`) or of a run (`resources: 3 created, …`).

    Raises:
        AssertionError: if the output has no summary.
    """
    summary = re.search(r"^ *(?:[\d.]+ s +)?resources:.*", output, re.MULTILINE | re.IGNORECASE | re.DOTALL)
    assert summary, output
    return set(re.findall(r"\b\d+ (?:to )?(create|update|replace|delete)d?\b", summary[0]))


@dataclass(frozen=True)
class Done:
    """The end of a command.

    Attributes:
        code: exit code.
        output: standard output and standard error.
        seconds: how long it took.
    """

    code: int
    output: str
    seconds: float


def make(
    *arguments: str, timeout: float, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `make`, prints its output, and leaves no child behind after a timeout."""
    return run(["make", *arguments], timeout=timeout, cwd=cwd, env=env)


def run(
    command: list[str], *, timeout: float, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command, prints its output, and leaves no child behind after a timeout.

    Args:
        command: to run.
        timeout: in seconds.
        cwd: working directory.
        env: variables on top of the environment.
    """
    start = time.monotonic()
    running = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, error = running.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_session(running.pid)
        out, error = running.communicate()
        error += f"\nkilled by the test after {timeout:.0f} s"
    except BaseException:  # Ctrl-C reaches pytest alone
        kill_session(running.pid)
        raise
    print(out, error, f"{' '.join(command)}: {time.monotonic() - start:.1f} s", sep="\n")
    return subprocess.CompletedProcess(command, running.returncode, out, error)


def destroy() -> None:
    """Destroys the stack of the tests, also where a failed test has left resources that wait for their operator.

    Raises:
        AssertionError: something of the stack is left.
    """
    if make("destroy", "STACK=sandbox", timeout=600).returncode != 0:
        make("unstick", "STACK=sandbox", "YES=1", timeout=100)
        result = make("destroy", "STACK=sandbox", timeout=600)
        assert result.returncode == 0, result.stdout + result.stderr


def session_processes(session: int) -> list[int]:
    """The live processes of a session: the engine gives its plugins process groups of their own."""
    messages: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = stat.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(own) == session and state != "Z":
            messages.append(int(stat.parent.name))
    return messages


def kill_session(session: int) -> None:
    """`kill -9` of every process of a session."""
    while processes := session_processes(session):
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


@dataclass(frozen=True)
class Project:
    """The project and a stack's config.

    Attributes:
        folder: for files of config.
        root: the clone whose targets run.
        env: variables on top of the environment.
    """

    folder: Path
    root: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def state(self) -> Path:
        """The folder of the stacks' state."""
        return Path(self.env.get("FLINK_K8S_STATE") or os.environ["FLINK_K8S_STATE"])

    def copy(self, jobs: Mapping[str, str]) -> Project:
        """The same in a copy of the project.

        Args:
            jobs: the copy's job files by name.
        """
        root = Path(tempfile.mkdtemp(prefix="clone-", dir=self.folder))
        working_copy(root, jobs)
        return replace(self, root=root)

    def write_jobs(self, jobs: Mapping[str, str]) -> None:
        """Replaces a copy's job files."""
        write_jobs(self.root, jobs)

    def write(self, name: str, content: str) -> None:
        """Adds or replaces one job file of a copy."""
        assert self.root != ROOT
        (self.root / "jobs" / name).write_text(content)

    def remove(self, name: str) -> None:
        """Removes one job file of a copy."""
        assert self.root != ROOT
        (self.root / "jobs" / name).unlink()

    def command(
        self, target: str, layer: str = "", *variables: str, stack: str = "sandbox", **config: object
    ) -> list[str]:
        """The command of `make`."""
        return ["make", target, f"STACK={stack}", f"LAYER={self._layer(layer, config)}", *variables]

    def make(
        self,
        target: str,
        layer: str = "",
        *variables: str,
        stack: str = "sandbox",
        timeout: float = 900,
        **config: object,
    ) -> Done:
        """Runs a target on a stack.

        Args:
            target: of the Makefile.
            layer: YAML laid over the stack's config.
            variables: `NAME=value` for `make`.
            stack: its name.
            timeout: in seconds.
            config: keys laid over the layer.
        """
        return self._run(self.command(target, layer, *variables, stack=stack, **config), timeout)

    def plan(self, layer: str = "", *allowed: str) -> Done:
        """`python -m flink_k8s plan sandbox`, whose exit code distinguishes a state loss from a failure.

        Args:
            layer: YAML laid over the stack's config.
            allowed: jobs that may lose their state.
        """
        command = [sys.executable, "-m", "flink_k8s", "plan", "sandbox", "--overlay", str(self._layer(layer, {}))]
        return self._run([*command, *(part for name in allowed for part in ("--allow-state-loss", name))], 900)

    def pulumi(self, *arguments: str, cwd: Path = ROOT) -> Done:
        """Runs the engine's own command on the backend of the tests."""
        backend = {
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.state / "passphrase"),
        }
        return replace(self, root=cwd, env={**backend, **self.env})._run([find_tool("pulumi"), *arguments], 600)

    def _layer(self, layer: str, config: Mapping[str, object]) -> Path:
        path = self.folder / "layer.yaml"
        content = cast(dict[str, Any], yaml.safe_load(layer) or {})
        path.write_text(json.dumps({**content, **config}))
        return path

    def _run(self, command: list[str], timeout: float) -> Done:
        start = time.monotonic()
        result = run(command, timeout=timeout, cwd=self.root, env=self.env)
        return Done(result.returncode, result.stdout + result.stderr, time.monotonic() - start)


def layered(folder: Path, pair: str, **config: object) -> Path:
    """Writes a layer file: an operator version's config and more keys."""
    path = folder / "layer.yaml"
    path.write_text(json.dumps({**yaml.safe_load(PAIRS[pair].read_text()), **config}))
    return path


def pod_names(kubectl: Kubectl, namespace: str, selector: str) -> list[str]:
    """The names of the pods that are not being deleted."""
    output = kubectl.get("pods", "-n", namespace, "-l", selector) or {"items": []}
    pods = (pod["metadata"] for pod in output["items"])
    return [pod["name"] for pod in pods if "deletionTimestamp" not in pod]


def remove_flink_crds(kubectl: Kubectl) -> None:
    """Removes the CRDs that Helm leaves behind when it uninstalls an operator."""
    names = kubectl.run("get", "crd", "-o", "name").decode().split()
    flink = [name for name in names if name.endswith(".flink.apache.org")]
    if flink:
        kubectl.run("delete", *flink, "--timeout=60s")
