"""A command of the command line, and the options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

from flink_k8s.support.errors import CommandError

if TYPE_CHECKING:
    from flink_k8s.operations.stack import Stack

Options = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """A parser that reports a wrong command line like any other error."""

    @override
    def error(self, message: str) -> NoReturn:
        """Report what is wrong.

        Raises:
            CommandError: with the command that prints the help.
        """
        raise CommandError(f"{message}; see: {self.prog} --help")


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: as the user types it.
        summary: one line for the list of commands.
        run: runs it with its options; None for exit code 0, or the exit code. It imports what it needs: a command
            does not wait for the imports of others.
        add_options: adds its arguments and options to a parser.
        details: more lines for its own help.
        examples: command lines.
    """

    name: str
    summary: str
    run: Callable[[Options], int | None]
    add_options: Callable[[Parser], None]
    details: str = ""
    examples: tuple[str, ...] = ()

    def parser(self, program: str) -> Parser:
        """The parser of its arguments and options.

        Args:
            program: the command line before the command's name.
        """
        examples = "".join(f"\n  {program} {self.name} {example}".rstrip() for example in self.examples)
        parser = Parser(
            prog=f"{program} {self.name}",
            description="\n\n".join(filter(None, [f"{self.summary}.", self.details])),
            epilog=f"examples:{examples}" if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_options(parser)
        return parser


def add_stack(parser: Parser, *, is_optional: str = "") -> None:
    """Add the argument `stack`.

    Args:
        parser: the parser.
        is_optional: the stack that is used without it; empty if it is required.
    """
    text = "name of the stack: Pulumi.<stack>.yaml"
    if is_optional:
        parser.add_argument("stack", nargs="?", help=f"{text} (default: {is_optional})")
    else:
        parser.add_argument("stack", help=text)


def add_overlay(parser: Parser) -> None:
    """Add the option `--overlay`."""
    parser.add_argument("--overlay", type=Path, metavar="FILE", help="config that is merged over the stack's")


def add_config_file(parser: Parser) -> None:
    """Add the option `--config-file`."""
    parser.add_argument("--config-file", type=Path, metavar="FILE", help="instead of Pulumi.<stack>.yaml")


def add_job(parser: Parser, text: str) -> None:
    """Add the option `--job`."""
    parser.add_argument("--job", default="", metavar="JOB", help=text)


def add_policy(parser: Parser) -> None:
    """Add the option `--policy`."""
    parser.add_argument("--policy", default="", metavar="FOLDER", help="a policy pack that the changes must pass")


def add_timings(parser: Parser) -> None:
    """Add the option `--timings`."""
    parser.add_argument("--timings", action="store_true", help="print where the time went")


def add_yes(parser: Parser) -> None:
    """Add the option `--yes`."""
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def add_allowed(parser: Parser) -> None:
    """Add the option `--allow-state-loss`: a list of words."""
    parser.add_argument(
        "--allow-state-loss",
        action="extend",
        type=str.split,
        default=[],
        metavar="JOBS",
        help="jobs that may lose their state: name, namespace/name or kind/namespace/name",
    )


def prepared(options: Options) -> Stack:
    """The stack of the options, checked.

    Raises:
        ProblemsError: if its configuration has problems.
    """
    from flink_k8s.operations.stack import prepare

    return prepare(options.stack, getattr(options, "overlay", None))
