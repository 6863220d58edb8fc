"""One stack is never run twice at once: here by a lock of the kernel, between machines by the backend's own."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import cast

from local.hold import held
from local.tool import state
from settings.stack_file import PROJECT
from tools import run_folder
from tools.run import FailedError
from tools.stack import Stack


def alone(stack: str, doing: str) -> AbstractContextManager[None]:
    """Holds the stack while a block runs.

    Raises:
        CommandError: when another process has it: who, and what to do.
    """
    return held(state() / "running" / stack, stack, f"make {doing}")


def say_lock(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Explains a lock that another run has in a backend that is a folder; other backends say it in their own words.

    Raises:
        FailedError: when the stack is locked: by whom, and what to do.
    """
    url = env.get("PULUMI_BACKEND_URL", "")
    if not url.startswith("file://"):
        return
    folder = Path(url.removeprefix("file://")).expanduser() / ".pulumi" / "locks"
    for path in sorted(folder.glob(f"*/{PROJECT}/{stack.name}/*.json")):
        raise FailedError(_explained(path, pulumi, stack, url))


def _explained(path: Path, pulumi: Path, stack: Stack, url: str) -> str:
    said: Mapping[str, object] = {}
    with suppress(OSError, ValueError):
        said = cast(Mapping[str, object], json.loads(path.read_text()))
    pid, host = said.get("pid"), said.get("hostname")
    who = f"{said.get('username', 'somebody')} on {host or 'some machine'}, process {pid}, {said.get('timestamp', '')}"
    folder = run_folder.home()
    cure = f"PULUMI_BACKEND_URL={url} {pulumi} cancel --yes --stack {stack.name} --cwd {folder}"
    if host == socket.gethostname() and isinstance(pid, int) and not Path(f"/proc/{pid}").exists():
        return f"the stack {stack.name} is locked by a run that was killed ({who}); free it, then run again: {cure}"
    return f"the stack {stack.name} is locked by {who}; wait for it. If nobody works on it any more: {cure}"
