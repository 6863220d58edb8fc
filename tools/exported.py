"""What the engine keeps of a stack in its state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from tools import run_folder
from tools.run import FailedError, capture
from tools.stack import Stack


def exported(pulumi: Path, stack: Stack, env: Mapping[str, str], *, secrets: bool = False) -> Mapping[str, Any]:
    """The stack's state, as `pulumi stack export` prints it; `local.engine_state.resources` are the resources in it.

    Args:
        pulumi: the command.
        stack: the stack.
        env: the command's environment.
        secrets: in clear rather than encrypted: whoever asks writes them nowhere.

    Raises:
        FailedError: when the backend does not give it.
    """
    command = [pulumi, "stack", "export", "--non-interactive", "--cwd", run_folder.home(), "--stack", stack.name]
    command += ["--show-secrets"] if secrets else []
    done = capture(command, env=env)
    if done.returncode != 0:
        raise FailedError(f"pulumi stack export {stack.name}: {done.stderr.decode(errors='replace').strip()}")
    return cast(Mapping[str, Any], json.loads(done.stdout))
