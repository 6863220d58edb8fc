"""Runs the programs that build images, and says in one line why one failed."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import debian
from sandbox.home import Home
from sandbox.report import Failure

_LAST_LINES = 5


def run(home: Home, name: str, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> str:
    """Runs a command whose output goes to a log file; returns what it wrote to stdout and stderr.

    Raises:
        Failure: it did not exit with 0; says its last lines and where the rest is.
    """
    log = home.root / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(env or {}),
            check=False,
        )
    text = log.read_text(errors="replace")
    if done.returncode != 0:
        last = " | ".join(line.strip() for line in text.splitlines()[-_LAST_LINES:] if line.strip())
        raise Failure(f"{name}: {command[0]} failed ({done.returncode}): {last or 'it said nothing'}; all of it: {log}")
    return text


def need(packages_by_program: Mapping[str, str]) -> None:
    """Installs Debian packages for those programs that are not on PATH."""
    debian.install([package for program, package in packages_by_program.items() if shutil.which(program) is None])


def python(version: str) -> str:
    """A Python interpreter of that version (`3.11`) that has pip.

    Packages with compiled parts are installed for the Python that runs pip, so it has to be the image's version.

    Raises:
        Failure: there is none.
    """
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable] if here == version else []
    candidates += [path for path in (shutil.which(f"python{version}"), "/usr/bin/python3") if path]
    probe = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(map(int, version.split('.')))})"
    with tempfile.TemporaryDirectory() as empty:
        for candidate in dict.fromkeys(candidates):
            if (
                Path(candidate).exists()
                and not subprocess.run([candidate, "-c", probe], cwd=empty, check=False).returncode
            ):
                return candidate
    raise Failure(f"images need a Python {version} with pip on PATH, as Debian 12 has it: apt-get install python3-pip")
