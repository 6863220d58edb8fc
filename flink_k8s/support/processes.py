"""Runs other programs, and says clearly when one fails."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT


class FailedError(Exception):
    """Something did not work; the text says which step, why, and what to do."""


def say(text: str) -> None:
    """A line for whoever waits; at once, also through a pipe."""
    print(text, flush=True)


def stream(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stdout: IO[bytes] | None = None,
) -> int:
    """Runs a command whose output the user sees; its exit code.

    Args:
        command: the program and its arguments.
        env: its environment; None for this process' own.
        cwd: its working directory.
        stdout: where its standard output goes; None for this process' own.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the command has ended: it gets the signal too, and ends in its own way.
    """
    sys.stdout.flush()
    interrupted = False
    with subprocess.Popen([str(part) for part in command], env=env, cwd=cwd, stdout=stdout) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                # An engine that were killed now would leave half an operation and its lock behind.
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


def must(what: str, command: Sequence[str | Path], *, cure: str, env: Mapping[str, str] | None = None) -> None:
    """`stream`, and a failure when the command fails.

    Raises:
        FailedError: naming the step and what to do.
    """
    code = stream(command, env=env)
    if code != 0:
        raise FailedError(f"{what} failed (exit code {code}); {cure}")


def capture(
    command: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command and takes what it prints."""
    words = [str(part) for part in command]
    return subprocess.run(words, input=stdin, env=env, cwd=cwd, capture_output=True, check=False)


def program(name: str, *, cure: str) -> str:
    """The path of a program on PATH.

    Raises:
        FailedError: when it is not there.
    """
    found = shutil.which(name)
    if found is None:
        raise FailedError(f"{name} is not on PATH; {cure}")
    return found


def add_allowed(parser: argparse.ArgumentParser) -> None:
    """Adds the option for jobs that may lose their state; `allow_state_loss` is a list of their names."""
    parser.add_argument(
        "--allow-state-loss",
        action="extend",
        type=str.split,
        default=[],
        metavar="JOBS",
        help="by name, namespace/name or kind/namespace/name",
    )


def agree(name: str, *, yes: bool) -> None:
    """Goes on when whoever is there types that name, or has said yes before.

    Raises:
        FailedError: when nobody does.
    """
    if yes:
        return
    try:
        answer = input(f'type the stack\'s name, "{name}", to go on: ')
    except (EOFError, RuntimeError):  # nobody is there to answer: standard input is at its end, or closed
        answer = ""
    if answer.strip() != name:
        raise FailedError("nothing was done; scripts say YES=1 (--yes)")


@contextmanager
def step(name: str, done: list[tuple[str, float]] | None = None) -> Generator[None]:
    """Prints what begins, and how long it took.

    Args:
        name: of the step.
        done: gets it, with its seconds, once it is done.
    """
    say(f"-- {name}")
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    say(f"-- {name}: {took:.1f} s")
    if done is not None:
        done.append((name, took))


def finish(main: Callable[[], int]) -> None:
    """Ends the process with main's exit code; a failure is one line, an interrupt none."""
    try:
        code = main()
    except (FailedError, CommandError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        code = 130
    sys.exit(code)
