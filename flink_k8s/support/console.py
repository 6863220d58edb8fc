"""Output, confirmation and exit codes of commands."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from flink_k8s.support.errors import CommandError, ExitCode


def say(text: str) -> None:
    """Print a line immediately, also through a pipe."""
    print(text, flush=True)


def counted(number: int, noun: str) -> str:
    """A number with its noun, for example `1 job`, `2 jobs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@contextmanager
def step(name: str, times: list[tuple[str, float]] | None = None) -> Generator[None]:
    """Print the start of a step and its duration.

    Args:
        name: of the step.
        times: receives the step with its seconds at its end.
    """
    say(f"-- {name}")
    start = time.monotonic()
    yield
    seconds = time.monotonic() - start
    say(f"-- {name}: {seconds:.1f} s")
    if times is not None:
        times.append((name, seconds))


def confirm(name: str, *, yes: bool) -> None:
    """Continue if the user types the name, or has confirmed already.

    Raises:
        CommandError: if the user does not confirm.
    """
    if yes:
        return
    try:
        answer = input(f'type the name of the stack, "{name}", to continue: ')
    except (EOFError, RuntimeError):  # standard input is closed or at its end
        answer = ""
    if answer.strip() != name:
        raise CommandError("not confirmed, nothing was changed; to confirm in a script, set YES=1 (--yes)")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command, and print its error if it fails; an exit code."""
    try:
        return run()
    except CommandError as error:
        print(error.report(), file=sys.stderr)
        return ExitCode.FAILURE
    except KeyboardInterrupt:
        print("interrupted; run the command again to continue", file=sys.stderr)
        return ExitCode.INTERRUPTED
