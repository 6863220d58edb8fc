"""PyFlink on this machine, without Kubernetes: a virtual environment for each Flink version, made once."""

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
"""Interpreters that PyFlink 1.19 to 2.x is published for; 3.11 serves all of them."""


@dataclass(frozen=True)
class PyFlink:
    """A Python that has PyFlink.

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
        """Flink's own files, which PyFlink's package carries: bin, conf, lib …"""
        found = sorted(self.folder.glob("lib/python3.*/site-packages/pyflink"))
        if not found:
            raise CommandError(f"{self.folder} has no PyFlink; delete the folder and run the same command again")
        return found[-1]


def pyflink(flink_version: str) -> PyFlink:
    """PyFlink of that version, installed where it is missing.

    Args:
        flink_version: as the operator writes it: `v2_2`.

    Raises:
        CommandError: when it cannot be had, or there is no Java.
    """
    version = flink_version.removeprefix("v").replace("_", ".")
    found = PyFlink(version, home() / "pyflink" / version)
    java()
    if not (found.folder / "complete").exists():
        _install(found)
    return found


def java() -> str:
    """The Java that Flink runs on.

    Raises:
        CommandError: when there is none.
    """
    named = os.environ.get("JAVA_HOME")
    command = str(Path(named) / "bin" / "java") if named else "java"
    if shutil.which(command) is None:
        where = f"JAVA_HOME is {named}, which has no bin/java" if named else "java is not on PATH"
        raise CommandError(f"{where}; install Java 17, on Debian: apt-get install openjdk-17-jre-headless")
    return command


def _install(wanted: PyFlink) -> None:
    say(f"-- PyFlink {wanted.version} into {wanted.folder} (800 MB, once)")
    shutil.rmtree(wanted.folder, ignore_errors=True)  # what an interrupted run left
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    interpreter = next(filter(None, map(shutil.which, _PYTHONS)), sys.executable)
    remedy = "PyFlink wants Python 3.10 to 3.12 and a network"
    must("python -m venv", [interpreter, "-m", "venv", wanted.folder], remedy="install python3-venv")
    pip = [wanted.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    must("pip install", [*pip, f"apache-flink=={wanted.version}.*"], remedy=remedy)
    if stream([wanted.python, "-c", "import pyflink.datastream"]) != 0:
        raise CommandError(f"PyFlink {wanted.version} does not work with {interpreter}; {remedy}")
    (wanted.folder / "complete").touch()
