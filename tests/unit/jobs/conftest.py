"""The modules of the jobs, which are outside of the project's packages because they are copied into an image unchanged;
and a Flink on this machine to run them in.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "jobs" / "pyflink" / "src"
VARIABLE = "PYFLINK_PYTHONS"


def load(name: str) -> ModuleType:
    """The module of that name in jobs/pyflink/src."""
    spec = importlib.util.spec_from_file_location(name, SOURCES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def word_count() -> ModuleType:
    return load("word_count")


@pytest.fixture(scope="session")
def running_totals() -> ModuleType:
    return load("running_totals")


def pythons() -> list[str]:
    """Interpreters that have PyFlink: those that the environment names, else this one if it has it."""
    named = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pyflink') is None)"
    return named or [
        path for path in [sys.executable] if subprocess.run([path, "-c", probe], check=False).returncode == 0
    ]


@pytest.fixture(params=pythons() or [None])
def pyflink_python(request: pytest.FixtureRequest) -> str:
    if request.param is None:
        pytest.skip("no PyFlink in this Python; `make test-job JOB=j` brings one and runs a job's tests with it")
    return request.param


def run_locally(
    python: str, module: str, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a job's program in a Flink within its own process."""
    # Flink's workers run `python`.
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    own = {**os.environ, **(environment or {}), "PATH": path}
    command = [python, SOURCES / f"{module}.py", *arguments]
    return subprocess.run(
        command,
        env=own,
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )
