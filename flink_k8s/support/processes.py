"""Run other programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

Completed = subprocess.CompletedProcess[bytes]
Running = subprocess.Popen[bytes]


def stream(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stdout: IO[bytes] | None = None,
) -> int:
    """Run a command whose output the user sees; its exit code.

    Args:
        command: the program and its arguments.
        env: its environment; None for the environment of this process.
        cwd: its working directory.
        stdout: for its standard output; None for the standard output of this process.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when the command, which receives the signal too, has ended.
    """
    sys.stdout.flush()
    interrupted = False
    with subprocess.Popen([str(part) for part in command], env=env, cwd=cwd, stdout=stdout) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                # Killing an engine would leave a pending operation and its lock.
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


def must(step: str, command: Sequence[str | Path], *, remedy: str, env: Mapping[str, str] | None = None) -> None:
    """`stream`, and an error if the command fails.

    Raises:
        CommandError: with the name of the step and the remedy.
    """
    code = stream(command, env=env)
    if code != 0:
        raise CommandError(f"{step} failed (exit code {code}); {remedy}")


def capture(
    command: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run a command and capture its output, whether it fails or not.

    Raises:
        CommandError: if it is not installed or takes longer than the timeout in seconds.
    """
    words = [str(part) for part in command]
    try:
        return subprocess.run(words, input=stdin, env=env, cwd=cwd, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise CommandError(f"{error.filename}: command not found; install it, or add it to PATH") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{' '.join(words[:2])} took longer than {timeout:g} s") from None


def start(command: Sequence[str | Path]) -> Running:
    """Start a command in the background; its standard output is a pipe. The caller must terminate it."""
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)


def wait(process: Running, seconds: float) -> bool:
    """Wait for a process; whether it has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def output(
    title: str,
    command: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> bytes:
    """`capture`, and an error if the command fails; its standard output.

    Raises:
        CommandError: with the name of the command and its own error.
    """
    result = capture(command, stdin=stdin, env=env, cwd=cwd)
    if result.returncode != 0:
        raise CommandError(f"{title}: {errors(result)}")
    return result.stdout


def errors(result: Completed) -> str:
    """The error that a command has printed, or its exit code if it has printed nothing."""
    text = (result.stderr.strip() or result.stdout).decode(errors="replace").strip()
    return text or f"exit code {result.returncode}"


def program(name: str, *, remedy: str) -> str:
    """The path of a program on PATH.

    Raises:
        CommandError: if it is not on PATH.
    """
    path = shutil.which(name)
    if path is None:
        raise CommandError(f"{name} is not on PATH; {remedy}")
    return path
