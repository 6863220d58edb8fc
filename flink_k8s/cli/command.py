"""A command of the command line, and the options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from typing_extensions import override

from flink_k8s.support.errors import CommandError

if TYPE_CHECKING:
    from flink_k8s.operations.stack import Stack

Options = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """A parser that reports a wrong command line like other errors."""

    @override
    def error(self, message: str) -> NoReturn:
        """Report the error.

        Raises:
            CommandError: with the command that prints the help.
        """
        raise CommandError(f"{message}; see: {self.prog} --help")


Option = Callable[[Parser], object]


def option(*names: str, **settings: Any) -> Option:
    """An argument or option, as argparse's `add_argument` defines it."""
    return lambda parser: parser.add_argument(*names, **settings)


def file_option(name: str, text: str) -> Option:
    """An option that names a file."""
    return option(name, type=Path, metavar="FILE", help=text)


def either(*options: Option) -> Option:
    """Options that exclude each other."""

    def add(parser: Parser) -> None:
        group = parser.add_mutually_exclusive_group()
        for add_option in options:
            add_option(group)  # pyright: ignore[reportArgumentType] - a group has the parser's `add_argument`

    return add


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: that the user types.
        summary: one line for the list of commands.
        run: runs the command; returns an exit code, or None for 0. It imports its modules itself, so that no command
            waits for the imports of others.
        options: its arguments and options.
        details: more lines for its own help.
        examples: command lines, without the program and the command.
    """

    name: str
    summary: str
    run: Callable[[Options], int | None]
    options: tuple[Option, ...] = ()
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
        for add in self.options:
            add(parser)
        return parser


_STACK = "name of the stack: Pulumi.<stack>.yaml"
STACK = option("stack", help=_STACK)
RUNNING_STACK = option("stack", nargs="?", help=f"{_STACK} (default: the stack of the local cluster)")
JOB = option("--job", default="", metavar="JOB", help="name of the job (default: the only job of the stack)")
JOBS = option("--job", default="", metavar="JOB", help="only this job (default: all)")
OVERLAY = file_option("--overlay", "file with config that is merged over the stack's config")
CONFIG_FILE = file_option("--config-file", "stack file to use instead of Pulumi.<stack>.yaml")
POLICY = option("--policy", default="", metavar="FOLDER", help="folder of a policy pack that evaluates the changes")
TIMINGS = option("--timings", action="store_true", help="print a timeline with the critical path")
YES = option("--yes", action="store_true", help="do not ask for confirmation")
ALLOWED = option(
    "--allow-state-loss",
    action="extend",
    type=str.split,
    default=[],
    metavar="JOBS",
    help="jobs that may lose their state: name, namespace/name or kind/namespace/name",
)


def prepare_stack(options: Options) -> Stack:
    """The stack of the options, checked.

    Raises:
        ProblemsError: if its configuration has problems.
    """
    from flink_k8s.operations.stack import prepare

    return prepare(options.stack, getattr(options, "overlay", None))
