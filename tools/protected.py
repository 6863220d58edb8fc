"""Protected jobs in a stack's state: an operation that would delete one is refused before it begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from local import guard
from local.run import run_program
from settings import stack_file
from tools.run import ROOT, FailedError, capture
from tools.stack import Stack


def refuse(pulumi: Path, stack: Stack, env: Mapping[str, str], *, destroy: bool) -> None:
    """Looks for protected jobs that would go.

    Args:
        pulumi: the command.
        stack: the stack.
        env: the command's.
        destroy: whether all of the stack is to go; otherwise, what is no longer declared.

    Raises:
        FailedError: saying which, and how to go on.
    """
    command = [pulumi, "stack", "export", "--non-interactive", "--cwd", stack.config_file.parent, "--stack", stack.name]
    done = capture(command, env=env)
    if done.returncode != 0:
        raise FailedError(f"pulumi stack export {stack.name}: {done.stderr.decode(errors='replace').strip()}")
    protected = guard.in_state(json.loads(done.stdout))
    if not protected:
        return
    declared = frozenset[str]()
    if not destroy:
        config = stack_file.read(ROOT, stack.name, stack.config_file)
        declared = guard.urns(run_program(ROOT, stack.name, config, preview=True))
    doomed = guard.undeclared(protected, declared)
    if doomed:
        raise FailedError(guard.refusal(doomed, stack.name, destroy=destroy))
