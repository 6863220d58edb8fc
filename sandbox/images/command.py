"""Run the programs that build images; a failure is one line with the reason."""

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
    """Run a command with its output in a log file; returns the output.

    Raises:
        Failure: its exit code is not 0; with the last lines of output and the path of the log.
    """
    log = home.root / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        result = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(env or {}),
            check=False,
        )
    text = log.read_text(errors="replace")
    if result.returncode != 0:
        last = " | ".join(line.strip() for line in text.splitlines()[-_LAST_LINES:] if line.strip())
        raise Failure(f"{name}: {command[0]} failed ({result.returncode}): {last or 'no output'}; complete log: {log}")
    return text


def need(packages_by_program: Mapping[str, str]) -> None:
    """Install Debian packages for programs that are not on PATH."""
    debian.install([package for program, package in packages_by_program.items() if shutil.which(program) is None])


def python(version: str) -> str:
    """A Python interpreter of a version, for example `3.11`, with pip.

    Packages with compiled parts are installed for the Python that runs pip, so it must be the image's version.

    Raises:
        Failure: it is not available.
    """
    own_version = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable] if own_version == version else []
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
