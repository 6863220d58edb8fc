"""A stack's state in the engine's backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.operations import run_folder
from flink_k8s.operations.stack import Stack, copy_salt
from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture, errors, output

_NO_STACK = b"no stack named"


def export_state(
    pulumi: Path, stack: Stack, env: Mapping[str, str], *, secrets: bool = False, create: bool = False
) -> Mapping[str, Any]:
    """The stack's state, as `pulumi stack export` prints it; `engine_state.resources` returns the resources in it.

    Args:
        pulumi: the command.
        stack: the stack.
        env: the command's environment.
        secrets: whether secrets are in plaintext; never write them to a file.
        create: whether to create a stack that does not exist in the backend.

    Raises:
        CommandError: if the backend reports an error.
    """
    project = run_folder.config_folder() / "Pulumi.yaml"
    if not project.exists():
        project.write_text(f"name: {PROJECT}\nruntime: python\n")
    result = capture(stack_command(pulumi, "export", stack.name, *(["--show-secrets"] if secrets else [])), env=env)
    if create and _NO_STACK in result.stderr:
        _create(pulumi, stack, env)
        return {}
    if result.returncode != 0:
        raise CommandError(f"pulumi stack export {stack.name}: {errors(result)}")
    return cast(Mapping[str, Any], json.loads(result.stdout))


def stack_command(pulumi: Path, action: str, stack: str, *options: str) -> list[str | Path]:
    """`pulumi stack <action>` for a stack by name, in the folder with the keys of the stacks."""
    folder = run_folder.config_folder()
    return [pulumi, "stack", action, "--non-interactive", "--cwd", folder, "--stack", stack, *options]


def remove_stack(pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Delete a stack without resources from the backend.

    Raises:
        CommandError: if the backend reports an error.
    """
    output(f"pulumi stack rm {stack}", stack_command(pulumi, "rm", stack, "--yes"), env=env)


def _create(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Create the stack in the backend.

    The command writes a new stack's salt next to `Pulumi.yaml` and does not accept `--config-file`. So it runs in a
    folder with a `Pulumi.yaml` of its own, and the salt is copied from there into the run's stack file.

    Raises:
        CommandError: if the backend reports an error.
    """
    run_folder.keep(stack.config_file)
    output(f"pulumi stack select {stack.name}", stack_command(pulumi, "select", stack.name, "--create"), env=env)
    copy_salt(stack)
