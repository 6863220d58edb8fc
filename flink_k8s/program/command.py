"""What the commands of this package share: the project, a stack's recording, and how a failure is told."""

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
    """What the stack declares, with a layer over its config, found by a preview of the program; nothing is contacted.

    Raises:
        ProblemsError: when the stack file cannot be read.
        pulumi.RunError: what the program itself raised.
    """
    return run_program(root, stack, stack_file.read(root, stack, config_file, layer), preview=True, log=warn)


def warn(message: Message) -> None:
    """Print the program's warnings and errors on stderr."""
    if message.severity in ("warning", "error"):
        print(f"{message.severity}: {message.text}", file=sys.stderr)


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """The option to take the stack's config from another file."""
    parser.add_argument(
        "--config-file", type=Path, metavar="F", help="the stack's config, instead of Pulumi.STACK.yaml"
    )


def add_layer(parser: argparse.ArgumentParser) -> None:
    """The option to lay more config over the stack's."""
    parser.add_argument("--layer", type=Path, metavar="F", help="a file of config that is laid over the stack's")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and tell its failure on stderr: clean where the message says it all, else with a traceback."""
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
