"""`python -m flink_k8s`: help, near matches, exit codes, and a fast start."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from flink_k8s.cli.main import COMMANDS, GROUPS, help_text, main
from flink_k8s.support.console import exit_code
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.paths import ROOT


def test_help_lists_every_command_in_its_group_with_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert text == help_text()
    for title, commands in GROUPS.items():
        section = text.partition(f"{title}:\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in section] == [command.name for command in commands]
        assert max(map(len, section)) <= 120


def test_without_a_command_the_help_is_printed_with_exit_code_1(capsys: pytest.CaptureFixture[str]):
    assert main([]) == ExitCode.FAILURE
    assert capsys.readouterr().out == help_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_its_summary_and_its_examples(name: str, capsys: pytest.CaptureFixture[str]):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    command = COMMANDS[name]
    assert f"{command.summary}." in text
    for example in command.examples:
        assert f"  python -m flink_k8s {name} {example}".rstrip() in text


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.examples])
def test_the_examples_of_a_command_parse(name: str):
    command = COMMANDS[name]
    for example in command.examples:
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', example)]
        command.parser("x").parse_args(words)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["chekc"], 'unknown command "chekc"; did you mean "check"?'),
        (["zzz"], 'unknown command "zzz"; see: python -m flink_k8s --help'),
        (["up", "porod"], 'unknown stack "porod"; did you mean "prod"?'),
        (["check", "dev", "porod"], 'unknown stack "porod"; did you mean "prod"?'),
        (["up", ""], 'unknown stack ""; use one of: dev, prod, sandbox, staging'),
        (["up"], "the following arguments are required: stack; see: python -m flink_k8s up --help"),
        (["check", "--cots"], "unrecognized arguments: --cots; see: python -m flink_k8s check --help"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_a_remedy(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
):
    assert main(words) == ExitCode.FAILURE
    assert capsys.readouterr().err == f"error: {error}\n"


def test_check_without_a_stack_checks_all(capsys: pytest.CaptureFixture[str]):
    assert main(["check"]) == ExitCode.OK
    assert re.findall(r"^(\w+): good", capsys.readouterr().out, re.M) == ["dev", "prod", "sandbox", "staging"]


def test_an_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]):
    def fail() -> int:
        raise CommandError("no such thing; create it")

    assert exit_code(fail) == 1
    assert capsys.readouterr().err == "error: no such thing; create it\n"


def test_ctrl_c_is_exit_code_130(capsys: pytest.CaptureFixture[str]):
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert exit_code(interrupt) == 130
    assert capsys.readouterr().err == "interrupted; run the command again to continue\n"


@pytest.mark.parametrize("words", [["--help"], ["check", "dev"], ["up", "porod"]], ids=" ".join)
def test_a_command_does_not_import_unneeded_modules(words: list[str]):
    code = f"""
import sys
from flink_k8s.cli.main import main
main({words!r})
slow = {{"pulumi", "kubernetes_asyncio", "grpc", "flink_k8s.operations.deploy"}}
print("loaded:", *sorted(slow & sys.modules.keys()))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "loaded:"
