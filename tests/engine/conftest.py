"""A real engine on a real API server: the sandbox's, with the `pulumi` command that is on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.engine.stand_in import stand_in_charts
from tests.working_copy import working_copy, write_jobs
from tools.kubectl import Kubectl
from tools.stack import prepare

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    code: int
    said: str


@dataclass(frozen=True)
class Engine:
    """The Make targets, with a backend of the test's own.

    Attributes:
        env: for every command.
        folder: for files of config.
        root: the clone whose targets they are.
    """

    env: Mapping[str, str]
    folder: Path
    root: Path = ROOT

    def make(self, target: str, layer: str = "", *more: str, stack: str = "sandbox") -> Done:
        """Runs `make TARGET STACK=…`, with config laid over the stack's, and more variables."""
        return self._run(["make", target, f"STACK={stack}", f"LAYER={self._layer(layer)}", *more])

    def plan(self, layer: str = "", *allowed: str) -> Done:
        """`python -m tools.plan sandbox`, for its exit code; these jobs may lose their state."""
        command = [sys.executable, "-m", "tools.plan", "sandbox", "--layer", str(self._layer(layer))]
        return self._run([*command, *(part for name in allowed for part in ("--allow-state-loss", name))])

    def of(self, jobs: Mapping[str, str]) -> Engine:
        """The same stack in a clone of the repository, beside it, with other job files.

        Args:
            jobs: content by name; a file's name without its folder.
        """
        root = Path(tempfile.mkdtemp(prefix="clone-", dir=self.folder))
        working_copy(root, jobs)
        return replace(self, root=root)

    def write(self, jobs: Mapping[str, str]) -> None:
        """Writes a clone's job files anew."""
        write_jobs(self.root, jobs)

    def _layer(self, layer: str) -> Path:
        path = self.folder / "layer.yaml"
        path.write_text(layer or "{}")
        return path

    def _run(self, command: list[str]) -> Done:
        done = subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=900, check=False
        )
        print(done.stdout, done.stderr)
        return Done(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    """The engine, and the sandbox as its cluster; what a failed test leaves there goes in the end."""
    if shutil.which("pulumi") is None:
        pytest.skip("pulumi is not on PATH")
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("the sandbox needs root and Linux")
    # The in-process engine may have the stack up, as after `make demo` without the command.
    for command in (["sandbox", "up"], ["local.apply", "destroy", "--stack", "sandbox"]):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("engine")
    # `make e2e` hands these to a make below it, which then says what folder it enters.
    env = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS")}
    real = Engine({**env, "FLINK_K8S_STATE": str(folder / "state")}, folder)
    yield real
    real.make("destroy")


@pytest.fixture(scope="session")
def kubectl(engine: Engine) -> Kubectl:
    """kubectl for the sandbox."""
    return Kubectl.of(prepare("sandbox"))


@pytest.fixture(scope="module")
def charts(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """An operator that is none: an `up` waits for a job until somebody ends it, or says that the job is well."""
    yield stand_in_charts(tmp_path_factory.mktemp("charts"))
    assert engine.make("destroy").code == 0
