"""Select the command, parse its options, and run it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flink_k8s.cli.command import Command, Options
from flink_k8s.cli.jobs import ACCESS, DEVELOP
from flink_k8s.cli.local import LOCAL
from flink_k8s.cli.stacks import CHANGE, READ
from flink_k8s.support.console import exit_code
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.paths import ROOT

PROGRAM: Final = "python -m flink_k8s"

GROUPS: Final = {
    "Read a stack (nothing is changed)": READ,
    "Change a stack": CHANGE,
    "Access a running stack": ACCESS,
    "Develop jobs": DEVELOP,
    "Local cluster": LOCAL,
}

COMMANDS: Final = {command.name: command for commands in GROUPS.values() for command in commands}

_HELP: Final = """\
usage: {program} <command> <stack> [options]

Deploys Apache Flink on Kubernetes and runs jobs on it. A stack is an environment: Pulumi.<stack>.yaml.

{groups}
examples:
  {program} check dev
  {program} plan prod --allow-state-loss orders
  {program} up prod --policy policy
  {program} <command> --help     # arguments, options and examples of a command

exit codes:
  0    success
  1    problems in the configuration, a wrong command line, or a failure
  3    plan, review: a job would lose its state; drift: the cluster has manual changes
  130  interrupted by Ctrl-C
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return exit_code(lambda: _run(words))


def help_text() -> str:
    """The list of all commands."""
    width = max(map(len, COMMANDS))
    groups = ""
    for title, commands in GROUPS.items():
        lines = [f"  {command.name:<{width}}  {command.summary}\n" for command in commands]
        groups += f"{title}:\n{''.join(lines)}\n"
    return _HELP.format(program=PROGRAM, groups=groups)


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(help_text(), end="")
        return ExitCode.OK if words else ExitCode.FAILURE
    command = _command(words[0])
    try:
        options = command.parser(PROGRAM).parse_args(words[1:])
    except SystemExit:  # after --help
        return ExitCode.OK
    _check_stacks(options)
    return command.run(options) or ExitCode.OK


def _command(name: str) -> Command:
    command = COMMANDS.get(name)
    if command is None:
        from flink_k8s.config.problems import similar

        suggestion = similar(name, list(COMMANDS))
        remedy = f'did you mean "{suggestion}"?' if suggestion else f"see: {PROGRAM} --help"
        raise CommandError(f'unknown command "{name}"; {remedy}')
    return command


def _check_stacks(options: Options) -> None:
    """Refuse a stack without a stack file.

    Raises:
        CommandError: with the most similar name.
    """
    root: Path = getattr(options, "root", ROOT)
    names: Sequence[str | None] = getattr(options, "stacks", [getattr(options, "stack", None)])
    if getattr(options, "config_file", None):
        return
    for name in names:
        if name is not None and not (root / f"Pulumi.{name}.yaml").exists():
            from flink_k8s.config.problems import nearest
            from flink_k8s.config.stack_file import stacks

            raise CommandError(f'unknown stack "{name}"; {nearest(name, stacks(root))}')
