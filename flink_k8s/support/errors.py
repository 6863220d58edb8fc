"""The errors that a command reports, and the exit codes of commands.

CommandError
├── ProblemsError    flink_k8s/config/problems.py: problems in the user's files, each with its line
├── ProgramError     flink_k8s/program/command.py: the program raised it
└── CycleError       flink_k8s/program/dependencies.py: a graph has a cycle

Any other exception is a bug, and is shown with its traceback.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    OK = 0
    FAILURE = 1
    """Problems in the configuration, a wrong command line, or a failure."""
    LOSS = 3
    """A job would lose its state, or the cluster differs from what the stack declares."""
    INTERRUPTED = 130
    """Ctrl-C: 128 plus the number of the signal."""


class CommandError(Exception):
    """A command fails: one message that names the subject, the reason and the remedy."""

    def report(self) -> str:
        """The lines for standard error."""
        return f"error: {self}"
