"""Protected jobs in a stack's state: an operation that would delete one is refused before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local import guard
from local.run import run_program
from settings import stack_file
from tools.run import ROOT, FailedError
from tools.stack import Stack


def refuse(state: Mapping[str, Any], stack: Stack, *, destroy: bool) -> None:
    """Looks for protected jobs that would go.

    Args:
        state: the stack's, as it is exported.
        stack: the stack.
        destroy: whether all of the stack is to go; otherwise, what is no longer declared.

    Raises:
        FailedError: saying which, and how to go on.
    """
    protected = guard.in_state(state)
    if not protected:
        return
    declared = frozenset[str]()
    if not destroy:
        config = stack_file.read(ROOT, stack.name, stack.config_file)
        declared = guard.urns(run_program(ROOT, stack.name, config, preview=True))
    doomed = guard.undeclared(protected, declared)
    if doomed:
        raise FailedError(guard.refusal(doomed, stack.name, destroy=destroy))
