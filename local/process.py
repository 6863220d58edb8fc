"""Running a command so that it can be watched while it runs and stopped cleanly."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi

_TICK_SECONDS: Final = 0.2


class Interrupted(pulumi.RunError):
    """The run was told to stop while this was under way."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    error: str

    @property
    def reason(self) -> str:
        """The last line on stderr that says something, without the word that announces an error."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("ensure CRDs")]
        return lines[-1].removeprefix("Error: ").removeprefix("error: ") if lines else f"exit code {self.code}"


def run(
    command: Sequence[str],
    *,
    stopping: threading.Event,
    cwd: Path | None = None,
    text: str | None = None,
    grace: float = 5.0,
    waiting: Callable[[], None] | None = None,
    waiting_seconds: float = 10.0,
) -> Done:
    """Run a command to its end.

    It has a session of its own: Ctrl-C in a terminal reaches this process alone, which then lets the command end in
    its own way (helm takes back what it began).

    Args:
        command: the program and its arguments.
        stopping: when set, the command gets SIGINT, and SIGKILL if it has not ended `grace` seconds later.
        cwd: working directory.
        text: what it reads on stdin.
        grace: seconds between the two signals.
        waiting: called every `waiting_seconds` while the command runs, to say what it waits for.
        waiting_seconds: see `waiting`.

    Raises:
        Interrupted: when it was stopped.
    """
    if stopping.is_set():
        raise Interrupted(f"{Path(command[0]).name} was not started: interrupted")
    # From a file without a name: `communicate` with a timeout would lose what did not fit into the pipe at once.
    with tempfile.TemporaryFile() as given:
        given.write((text or "").encode())
        given.seek(0)
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    try:
        out, error = _communicate(process, stopping, grace, waiting, waiting_seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if stopping.is_set() and process.returncode != 0:
        raise Interrupted(f"{Path(command[0]).name} was interrupted")
    return Done(process.returncode, out, error)


def _communicate(
    process: subprocess.Popen[str],
    stopping: threading.Event,
    grace: float,
    waiting: Callable[[], None] | None,
    waiting_seconds: float,
) -> tuple[str, str]:
    next_word = time.monotonic() + waiting_seconds
    kill_at: float | None = None
    while True:
        try:
            return process.communicate(timeout=_TICK_SECONDS)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if stopping.is_set() and kill_at is None:
                process.send_signal(signal.SIGINT)
                kill_at = now + grace
            elif kill_at is not None and now > kill_at:
                process.kill()
            elif waiting is not None and now >= next_word:
                waiting()
                next_word = time.monotonic() + waiting_seconds
