"""A real engine on a real API server: the sandbox's, with the `pulumi` command that is on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    """The Make targets, with a backend of the test's own."""

    env: Mapping[str, str]
    folder: Path

    def make(self, target: str, layer: str = "", *more: str) -> Done:
        """Runs `make TARGET STACK=sandbox`, with config laid over the stack's, and more variables."""
        path = self.folder / "layer.yaml"
        path.write_text(layer or "{}")
        command = ["make", target, "STACK=sandbox", f"LAYER={path}", *more]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=900, check=False)
        print(done.stdout, done.stderr)
        return Done(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    """The engine, and the sandbox as its cluster; what a failed test leaves there goes in the end."""
    if shutil.which("pulumi") is None:
        pytest.skip("pulumi is not on PATH")
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("the sandbox needs root and Linux")
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("engine")
    real = Engine({**os.environ, "FLINK_K8S_STATE": str(folder / "state")}, folder)
    yield real
    real.make("destroy")


@pytest.fixture(scope="session")
def kubectl(engine: Engine) -> Kubectl:
    """kubectl for the sandbox."""
    return Kubectl.of(prepare("sandbox"))
