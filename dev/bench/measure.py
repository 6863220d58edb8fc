"""What a command costs: time and memory of its whole process tree, the best of several runs."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture


@dataclass(frozen=True)
class Cost:
    """What one command took.

    Attributes:
        wall: seconds by the clock.
        cpu: CPU seconds of the process and of all that it waited for.
        megabytes: the largest resident set of any single one of these processes.
    """

    wall: float
    cpu: float
    megabytes: float


def cost(
    command: Sequence[str | Path],
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    runs: int = 1,
    accepted: Sequence[int] = (0,),
) -> Cost:
    """The least time and the least memory of some runs: other work on the machine only ever adds.

    Args:
        command: program and arguments.
        folder: working directory.
        env: laid over this process' environment.
        runs: how often.
        accepted: exit codes of a command that did what it was to do.

    Raises:
        CommandError: when it exits with another code.
    """
    found = [_once([str(part) for part in command], folder, env or {}, accepted) for _ in range(runs)]
    return Cost(min(one.wall for one in found), min(one.cpu for one in found), min(one.megabytes for one in found))


_WATCH = """\
import json, os, subprocess, sys, time
begun = time.monotonic()
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
said = [time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
child.returncode = os.waitstatus_to_exitcode(status)
open(sys.argv[1], "w").write(json.dumps(said))
sys.exit(child.returncode)
"""
"""A process begins with the memory of its parent, and the system counts that in: so the parent is a small one."""


def _once(command: list[str], folder: Path, env: Mapping[str, str], accepted: Sequence[int]) -> Cost:
    with TemporaryDirectory() as place:
        answer = Path(place) / "cost.json"
        watched = [sys.executable, "-I", "-S", "-c", _WATCH, answer, *command]
        done = capture(watched, cwd=folder, env={**os.environ, **env})
        if done.returncode not in accepted:
            output = (done.stdout + done.stderr).decode(errors="replace")[-1000:]
            raise CommandError(f"{' '.join(command[:4])} … exited with {done.returncode}: {output}")
        return Cost(*(float(value) for value in json.loads(answer.read_text())))


def machine() -> str:
    """The machine in a line: processor, cores, memory, and how busy it is."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.0f} when it began"
