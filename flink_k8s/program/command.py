"""Shared parts of the commands of this package: the recording of a stack, options, and the report of errors."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pulumi

from flink_k8s.config import stack_file
from flink_k8s.config.problems import ProblemsError
from flink_k8s.program.recording import Message, Recording
from flink_k8s.program.run import run_program
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C: 128 and the number of the signal."""


def recorded(stack: str, config_file: Path | None = None, root: Path = ROOT, *, layer: Path | None = None) -> Recording:
    """The declared resources of a stack, optionally with an overlay, from a preview of the program without a cluster.

    Raises:
        ProblemsError: if the stack file is invalid.
        pulumi.RunError: if the program raises an error.
    """
    return run_program(root, stack, stack_file.read(root, stack, config_file, layer), preview=True, log=warn)


def warn(message: Message) -> None:
    """Print the program's warnings and errors on stderr."""
    if message.severity in ("warning", "error"):
        print(f"{message.severity}: {message.text}", file=sys.stderr)


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """Add the option for another stack file."""
    parser.add_argument(
        "--config-file", type=Path, metavar="F", help="the stack's config, instead of Pulumi.STACK.yaml"
    )


def add_layer(parser: argparse.ArgumentParser) -> None:
    """Add the option for an overlay."""
    parser.add_argument("--layer", type=Path, metavar="F", help="a file with config that is merged over the stack's")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and print its error on stderr: only the message of expected errors, else the traceback."""
    try:
        return run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (CommandError, ProblemsError, pulumi.RunError) as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    return 1
