"""PyFlink on this machine, without Kubernetes: one virtual environment per Flink version, created once."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import home
from flink_k8s.support.processes import must, stream

_PYTHONS = ("python3.11", "python3.12", "python3.10")
"""Interpreters that PyFlink 1.19 to 2.x supports; all versions support 3.11."""


@dataclass(frozen=True)
class PyFlink:
    """A virtual environment with PyFlink.

    Attributes:
        version: Flink's, without its patch level: `2.2`.
        folder: the virtual environment.
    """

    version: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    @property
    def distribution(self) -> Path:
        """Flink's files in PyFlink's package: bin, conf, lib …"""
        folders = sorted(self.folder.glob("lib/python3.*/site-packages/pyflink"))
        if not folders:
            raise CommandError(f"{self.folder} has no PyFlink; delete the folder and run the command again")
        return folders[-1]


def pyflink(flink_version: str) -> PyFlink:
    """PyFlink of a version, installed if it is missing.

    Args:
        flink_version: as the operator writes it, for example `v2_2`.

    Raises:
        CommandError: if it cannot be installed, or Java is missing.
    """
    version = flink_version.removeprefix("v").replace("_", ".")
    environment = PyFlink(version, home() / "pyflink" / version)
    java()
    if not (environment.folder / "complete").exists():
        _install(environment)
    return environment


def java() -> str:
    """The Java that Flink runs on.

    Raises:
        CommandError: if Java is not installed.
    """
    java_home = os.environ.get("JAVA_HOME")
    command = str(Path(java_home) / "bin" / "java") if java_home else "java"
    if shutil.which(command) is None:
        problem = f"JAVA_HOME is {java_home}, which has no bin/java" if java_home else "java is not on PATH"
        raise CommandError(f"{problem}; install Java 17, on Debian: apt-get install openjdk-17-jre-headless")
    return command


def _install(environment: PyFlink) -> None:
    say(f"-- installing PyFlink {environment.version} into {environment.folder} (800 MB, once)")
    shutil.rmtree(environment.folder, ignore_errors=True)  # the remains of an interrupted run
    environment.folder.parent.mkdir(parents=True, exist_ok=True)
    interpreter = next(filter(None, map(shutil.which, _PYTHONS)), sys.executable)
    remedy = "PyFlink needs Python 3.10 to 3.12 and network access"
    must("python -m venv", [interpreter, "-m", "venv", environment.folder], remedy="install python3-venv")
    pip = [environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    must("pip install", [*pip, f"apache-flink=={environment.version}.*"], remedy=remedy)
    if stream([environment.python, "-c", "import pyflink.datastream"]) != 0:
        raise CommandError(f"PyFlink {environment.version} does not work with {interpreter}; {remedy}")
    (environment.folder / "complete").touch()
