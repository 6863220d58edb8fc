"""Output, confirmation and exit codes of commands."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from flink_k8s.support.errors import CommandError, ExitCode


def say(text: str) -> None:
    """Print a line immediately, also through a pipe."""
    print(text, flush=True)


def counted(number: int, noun: str) -> str:
    """A number with its noun, for example `1 job`, `2 jobs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown_age(age: timedelta) -> str:
    """`41 s`, `5 min`, `2 h 5 min`, `3 d 4 h`."""
    minutes, seconds = divmod(max(int(age.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts: Sequence[tuple[int, str]] = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    last = first + 2 if first < 2 else first + 1
    return " ".join(f"{number} {unit}" for number, unit in parts[first:last] if number) or "0 s"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


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
