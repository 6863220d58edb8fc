"""A stack's resource graph for the commands: run the program, print its warnings, report its errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi

from flink_k8s.config import stack_file
from flink_k8s.program.resource_graph import Message, ResourceGraph
from flink_k8s.program.run import run_program
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT


class ProgramError(CommandError):
    """The program raised an error with a message for the user."""


def declared_graph(
    stack: str, config_file: Path | None = None, root: Path = ROOT, *, overlay: Path | None = None
) -> ResourceGraph:
    """The declared resources of a stack, optionally with an overlay, from a preview of the program without a cluster.

    Environments of the stack file are not opened; a notice names them.

    Raises:
        ProblemsError: if the stack file cannot be read.
        ProgramError: if the program raises an error.
    """
    config = stack_file.with_overlay(stack_file.read_config(root, stack, config_file), overlay)
    if config.environments:
        print(f"notice: {config.file}: environment: {config.unread_config}", file=sys.stderr)
    try:
        return run_program(root, stack, config.values, preview=True, log=warn)
    except pulumi.RunError as error:
        raise ProgramError(str(error)) from None


def warn(message: Message) -> None:
    """Print the program's warnings and errors on stderr."""
    if message.severity in ("warning", "error"):
        print(f"{message.severity}: {message.text}", file=sys.stderr)
