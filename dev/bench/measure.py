"""The cost of a command: time and memory of its process tree, the best of several runs."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture


@dataclass(frozen=True)
class Cost:
    """The cost of a command, or of several.

    Attributes:
        wall: wall-clock seconds.
        cpu: CPU seconds of the process and of its child processes; 0 if the time is not that of a command.
        megabytes: the largest resident set of one of these processes; 0 if the time is not that of a command.
    """

    wall: float
    cpu: float = 0
    megabytes: float = 0


@dataclass(frozen=True)
class Run:
    """A command that has ended: its cost, and its standard output with its standard error."""

    cost: Cost
    output: str


def total(runs: Iterable[Run], wall: float) -> Cost:
    """The cost of commands that belong together.

    Args:
        runs: the commands.
        wall: seconds from the start of the first command to the measured event.
    """
    costs = [run.cost for run in runs]
    return Cost(wall, sum(cost.cpu for cost in costs), max(cost.megabytes for cost in costs))


def cost(
    command: Sequence[str | Path],
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    runs: int = 1,
    accepted: Sequence[int] = (0,),
    stdin: bytes = b"",
) -> Cost:
    """The least time and memory of several runs: other work on the machine only increases them.

    Args:
        command: program and arguments.
        folder: working directory.
        env: merged over this process' environment.
        runs: number of runs.
        accepted: exit codes of success.
        stdin: standard input of the command.

    Raises:
        CommandError: if it exits with another code.
    """
    costs = [run(command, folder, env, accepted=accepted, stdin=stdin).cost for _ in range(runs)]
    return Cost(min(run.wall for run in costs), min(run.cpu for run in costs), min(run.megabytes for run in costs))


_WATCH = """\
import json, os, subprocess, sys, time
begun = time.monotonic()
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
values = [time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
child.returncode = os.waitstatus_to_exitcode(status)
open(sys.argv[1], "w").write(json.dumps(values))
sys.exit(child.returncode)
"""
"""A process starts with its parent's memory, which the system counts: so the parent must be small."""


def run(
    command: Sequence[str | Path],
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    accepted: Sequence[int] = (0,),
    stdin: bytes = b"",
) -> Run:
    """Run a command once.

    Args:
        command: program and arguments.
        folder: working directory.
        env: merged over this process' environment.
        accepted: exit codes of success.
        stdin: standard input.

    Raises:
        CommandError: if it exits with another code.
    """
    words = [str(part) for part in command]
    # Python keeps compiled modules between commands, as for a user.
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}
    with TemporaryDirectory() as place:
        report = Path(place) / "cost.json"
        watched = [sys.executable, "-I", "-S", "-c", _WATCH, report, *words]
        result = capture(watched, cwd=folder, env=variables, stdin=stdin)
        output = (result.stdout + result.stderr).decode(errors="replace")
        if result.returncode not in accepted:
            raise CommandError(f"{' '.join(words[:4])} … exited with {result.returncode}: {output[-1000:]}")
        return Run(Cost(*(float(value) for value in json.loads(report.read_text()))), output)


def machine() -> str:
    """The machine in one line: processor, cores, memory, and its load."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.0f} at the start"
