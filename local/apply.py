"""The program on the sandbox without the pulumi command: `python -m local.apply up|destroy --stack sandbox`.

No engine: it applies all that the program declares, writes down what, and takes down only what is written down.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import cast

from local import guard
from local.block_yaml import dump
from local.cluster import Cluster, sandbox
from local.command import INTERRUPTED, ROOT, CommandError, add_config_file, exit_code
from local.guard import Protected
from local.hold import held
from local.hooks import Hooks
from local.inflate import functions
from local.install import Install
from local.ledger import Ledger, entry_of
from local.process import Interrupted
from local.progress import Progress
from local.recording import Message, Recording
from local.remove import Removal
from local.run import run_program
from local.timeline import Stopwatch
from local.tool import home
from local.values import Secret
from settings import stack_file
from settings.job_files import FLINK_GROUP


def up(
    root: Path, stack: str, config: Mapping[str, object], cluster: Cluster, progress: Progress, *, timings: bool = False
) -> None:
    """Apply what the program declares; then remove what an earlier `up` applied and it no longer declares.

    Args:
        root: the project.
        stack: the stack's name.
        config: its config.
        cluster: the sandbox.
        progress: shows what happens.
        timings: whether to show in the end where the time went.

    Raises:
        CommandError: when a protected job would be deleted; nothing has been touched then.
        pulumi.RunError: what the program raised, or why something could not be applied.
        CommandError: when something that is no longer declared could not be removed.
    """
    watch = Stopwatch()
    ledger = Ledger(cluster, stack)
    _guard(ledger, stack, lambda: run_program(root, stack, config, preview=True))
    hooks = Hooks()
    install = Install(cluster, root, ledger, progress, hooks, watch)

    def log(message: Message) -> None:
        watch.said(message.urn)
        # `urn:…::type::name`; a message without a resource is the stack's.
        progress.line(message.urn.rpartition("::")[2] or stack, _marked(message))

    recording = run_program(
        root,
        stack,
        config,
        preview=False,
        effects=install,
        hooks=hooks,
        functions=functions(root),
        references=lambda name: _outputs(cluster, name),
        log=log,
    )
    stale = [entry for key, entry in ledger.entries.items() if key not in install.keys]
    if stale:
        progress.line(stack, f"{len(stale)} no longer declared, so removed")
        Removal(cluster, root, ledger, progress).remove(stale)
    ledger.export(cast("Mapping[str, object]", _shown(recording.exports)))
    progress.line(stack, f"{len(install.keys)} objects and releases are up")
    if recording.exports:
        print(dump({"exports": _shown(recording.exports)}), end="", flush=True)
    if timings:
        print(watch.timeline(recording).text(), end="", flush=True)


def destroy(root: Path, stack: str, cluster: Cluster, progress: Progress) -> None:
    """Take down all that `up` has written down, dependents first, and then what it was written in.

    Raises:
        CommandError: when something is protected, or could not be removed, with what blocks it.
    """
    ledger = Ledger(cluster, stack)
    _guard(ledger, stack, None)
    entries = list(ledger.entries.values())
    Removal(cluster, root, ledger, progress).remove(entries)
    ledger.clear()
    progress.line(stack, f"{len(entries)} objects and releases are gone" if entries else "nothing is there")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The command; see `--help`."""
    parser = argparse.ArgumentParser(prog="python -m local.apply", description=__doc__)
    parser.add_argument("action", choices=("up", "destroy"))
    parser.add_argument("--stack", default="sandbox", metavar="STACK", help="default: sandbox")
    add_config_file(parser)
    parser.add_argument("--timings", action="store_true", help="show after an up where its time went")
    chosen = parser.parse_args(arguments)

    def run() -> int:
        config = stack_file.read(root, chosen.stack, chosen.config_file)
        # Beside the sandbox, which is one for all clones and state folders.
        lock = home() / "stacks" / f"{chosen.stack}.lock"
        with held(lock, chosen.stack, f"local.apply {chosen.action}"):
            cluster = sandbox(root, config)
            with _signals(cluster.stopping):
                try:
                    if chosen.action == "up":
                        up(root, chosen.stack, config, cluster, Progress(), timings=chosen.timings)
                    else:
                        destroy(root, chosen.stack, cluster, Progress())
                except Exception as error:
                    if cluster.stopping.is_set() or isinstance(error, Interrupted):
                        raise KeyboardInterrupt from None
                    raise
        return 0

    return exit_code(run)


def _outputs(cluster: Cluster, stack: str) -> Mapping[str, object]:
    """What another stack has exported in its last `up`; nothing when there was none."""
    return Ledger(cluster, stack).exports


def _guard(ledger: Ledger, stack: str, declare: Callable[[], Recording] | None) -> None:
    """Refuse to delete what is protected; `declare` says what there is to be, None when nothing is."""
    protected = [
        Protected(key, entry.title, entry.name, FLINK_GROUP in entry.resource)
        for key, entry in ledger.entries.items()
        if entry.protect and not entry.retain
    ]
    if not protected:
        return
    declared = {entry_of(thing, {}).key for thing in declare().things} if declare else set[str]()
    doomed = guard.undeclared(protected, declared)
    if doomed:
        raise CommandError(guard.refusal(doomed, stack, destroy=declare is None))


@contextmanager
def _signals(stopping: threading.Event) -> Generator[None]:
    """Ctrl-C or SIGTERM: start nothing more and let what is under way end. The second one leaves at once."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(INTERRUPTED)
        stopping.set()
        print("stopping: what is under way comes to its end; once more to leave at once", file=sys.stderr, flush=True)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _marked(message: Message) -> str:
    return message.text if message.severity == "info" else f"{message.severity}: {message.text}"


def _shown(value: object) -> object:
    """An exported value with its secrets hidden."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        return {name: _shown(item) for name, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_shown(item) for item in cast("list[object]", value)]
    return value


if __name__ == "__main__":
    sys.exit(main())
