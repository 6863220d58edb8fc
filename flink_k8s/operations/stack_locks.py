"""The engine's lock of a stack in a local backend: the lock of a killed run is cancelled.

The engine itself refuses a second run, but it does not recognize the lock of a killed run. In other backends, the
holder of a lock cannot be checked from here, so the engine handles them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.operations import run_folder
from flink_k8s.operations.stack import Stack
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError

_PROVIDER: Final = "pulumi-resource-kubernetes"
_FILE: Final = "file://"


def is_checkable(env: Mapping[str, str]) -> bool:
    """Whether the backend is a local folder, so that its locks can be read."""
    return env.get("PULUMI_BACKEND_URL", "").startswith(_FILE)


def clear(pulumi: Path, stack: Stack, env: Mapping[str, str], processes: Path = Path("/proc")) -> None:
    """Cancel the lock of a run on this machine that was killed.

    Args:
        pulumi: the command.
        stack: the stack.
        env: the command's environment.
        processes: the folder in which the kernel lists processes.

    Raises:
        CommandError: if the stack is locked by a process that still runs, or by another machine.
    """
    if not is_checkable(env):
        return
    backend = env["PULUMI_BACKEND_URL"].removeprefix(_FILE).partition("?")[0]
    folder = Path(backend).expanduser() / ".pulumi" / "locks"
    locks = {path: _read(path) for path in sorted(folder.glob(f"*/{PROJECT}/{stack.name}/*.json"))}
    for lock in locks.values():
        if not _is_stale(lock, processes):
            command = f"{pulumi} cancel --yes --stack {stack.name} --cwd {run_folder.config_folder()}"
            raise CommandError(
                f"the stack {stack.name} is locked by {_holder(lock)}; wait until that run ends. If it has ended: "
                f"PULUMI_BACKEND_URL={env['PULUMI_BACKEND_URL']} {command}"
            )
    if locks:
        _end_providers(processes)
    for path, lock in locks.items():
        # `pulumi cancel` would also delete a lock that another run takes at the same time.
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.attrs").unlink(missing_ok=True)
        say(f"-- cancelled the lock of a killed run of the stack {stack.name}: {_holder(lock)}")


def _read(path: Path) -> Mapping[str, object]:
    with suppress(OSError, ValueError):
        return cast(Mapping[str, object], json.loads(path.read_text()))
    return {}


def _holder(lock: Mapping[str, object]) -> str:
    user, host = lock.get("username", "an unknown user"), lock.get("hostname", "an unknown machine")
    return f"{user} on {host}, process {lock.get('pid')}, since {lock.get('timestamp')}"


def _is_stale(lock: Mapping[str, object], processes: Path) -> bool:
    pid = lock.get("pid")
    if lock.get("hostname") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    try:
        program, _, rest = (processes / str(pid) / "stat").read_text().partition("(")[2].rpartition(") ")
    except OSError:
        return False
    # Another program may have the process ID now, or the killed process is a zombie.
    return "pulumi" not in program or rest.startswith("Z")


def _end_providers(processes: Path) -> None:
    """Kill the Kubernetes providers whose engine has ended: they would continue with its requests."""
    for folder in processes.glob("[0-9]*"):
        try:
            program, *arguments = (folder / "cmdline").read_text().rstrip("\0").split("\0")
        except OSError:
            continue
        if Path(program).name == _PROVIDER and arguments and not _answers(arguments[-1]):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(folder.name), signal.SIGKILL)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return True  # not the address of an engine
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
