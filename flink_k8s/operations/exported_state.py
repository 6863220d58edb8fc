"""A stack's state in the engine's backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.operations import run_folder
from flink_k8s.operations.stack import Stack, salted
from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture, errors, output

_NO_STACK = b"no stack named"


def exported(
    pulumi: Path, stack: Stack, env: Mapping[str, str], *, secrets: bool = False, create: bool = False
) -> Mapping[str, Any]:
    """The stack's state, as `pulumi stack export` prints it; `engine_state.resources` returns the resources in it.

    Args:
        pulumi: the command.
        stack: the stack.
        env: the command's environment.
        secrets: as plaintext rather than encrypted: never write them anywhere.
        create: whether a stack that the backend does not have is created.

    Raises:
        CommandError: if the backend refuses.
    """
    project = run_folder.home() / "Pulumi.yaml"
    if not project.exists():
        project.write_text(f"name: {PROJECT}\nruntime: python\n")
    command = [pulumi, "stack", "export", "--non-interactive", "--cwd", run_folder.home(), "--stack", stack.name]
    command += ["--show-secrets"] if secrets else []
    done = capture(command, env=env)
    if create and _NO_STACK in done.stderr:
        _create(pulumi, stack, env)
        return {}
    if done.returncode != 0:
        raise CommandError(f"pulumi stack export {stack.name}: {errors(done)}")
    return cast(Mapping[str, Any], json.loads(done.stdout))


def _create(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Create the stack in the backend.

    The command writes a new stack's salt next to the project's other files and takes no `--config-file` for it: it runs
    in a folder that looks like the project, and the run's own copy gets the salt from there.

    Raises:
        CommandError: if the backend refuses.
    """
    run_folder.keep(stack.config_file)
    command = [pulumi, "stack", "select", "--create", "--non-interactive", "--cwd", run_folder.home(), stack.name]
    output(f"pulumi stack select {stack.name}", command, env=env)
    salted(stack)
