"""Runs a program on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.project import ROOT

_NOT_INTERACTIVE = ("CI", "COLUMNS", "LINES")
"""Variables of this process that would change the terminal's."""


def script_on_terminal(script: str, *arguments: str | Path, columns: int = 80) -> str:
    """The output of a Python script on a terminal; see `on_terminal`."""
    return on_terminal([sys.executable, "-c", script, *arguments], columns=columns)


def on_terminal(
    command: Sequence[str | Path],
    *,
    columns: int = 80,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    received: list[str] | None = None,
) -> str:
    """The output of a program on a terminal, which must succeed.

    Args:
        command: the program and its arguments.
        columns: of the terminal.
        cwd: working directory.
        env: variables that differ from those of this process.
        received: gets each part of the output while the program runs.
    """
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INTERACTIVE}
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        cwd=cwd,
        env={**inherited, "TERM": "xterm", **(env or {})},
    ) as process:
        os.close(secondary)
        parts: list[str] = [] if received is None else received
        while True:
            try:
                part = os.read(primary, 65536)
            except OSError:  # Linux reports the end of the other side as an error
                break
            if not part:
                break
            parts.append(part.decode(errors="replace"))
    os.close(primary)
    output = "".join(parts)
    assert process.returncode == 0, output
    return output.replace("\r\n", "\n")
