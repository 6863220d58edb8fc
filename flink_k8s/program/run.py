"""One run of the project's `__main__.py` in this process, with everything that it touches put back afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import os
import runpy
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pulumi
from pulumi._utils import ContextProperty
from pulumi.runtime import run_in_stack
from pulumi.runtime.settings import SETTINGS, Settings, configure

from flink_k8s.program.monitor import Callbacks, Effects, Engine, Monitor, References
from flink_k8s.program.recording import Message, Recording

PROJECT: Final = "flink-k8s"

_CONFIG: Final = "PULUMI_CONFIG"

# Each registration holds a thread until its effect is done, so this bounds how many run at the same time.
_THREADS: Final = 128

# How long unfinished tasks of the program get to end after they were told to.
_CANCEL_SECONDS: Final = 10.0


def run_program(
    root: Path,
    stack: str,
    config: Mapping[str, object],
    *,
    preview: bool,
    effects: Effects | None = None,
    references: References | None = None,
    log: Callable[[Message], None] | None = None,
) -> Recording:
    """Run the program once and wait until all that it started is done.

    Args:
        root: the project; `__main__.py` there is run, with this as working directory.
        stack: the stack's name, as the program sees it.
        config: the stack's config without the project's prefix; text as it is, everything else becomes JSON.
        preview: the value of `pulumi.runtime.is_dry_run()`. Ids are then unknown, as in a real preview.
        effects: of a test: the cluster's answers; only without `preview`.
        references: of a test: another stack's outputs by its name; not called in a preview.
        log: called with each message of the program as it comes, from any thread.

    Raises:
        pulumi.RunError: what the program raised, or why an effect failed: one clean message.
        Exception: anything else that the program raised, with its traceback.
    """
    if preview and effects is not None:
        raise ValueError("a preview has no effects")
    monitor = Monitor(PROJECT, stack, preview=preview, effects=effects, references=references or _nothing)
    engine = Engine(log)

    def configured() -> None:
        configure(
            Settings(
                project=PROJECT,
                stack=stack,
                monitor=monitor,
                engine=engine,
                dry_run=preview,
                organization="organization",
                root_directory=str(root),
            )
        )
        # Otherwise the SDK would open a port to be called back on.
        setattr(SETTINGS, "callbacks", Callbacks())  # noqa: B010 - typed as a property without a setter
        _run_to_the_end(root, monitor)

    # The SDK keeps all of its state in context variables: a copy of the context is thrown away with the state.
    with _sdk_defaults_kept(), _inside(root), _configured(config):
        try:
            contextvars.copy_context().run(configured)
        except KeyboardInterrupt:
            raise
        except Exception:
            if monitor.failures:
                raise _one_failure(monitor.failures) from None
            raise
    return monitor.recording(engine.messages)


def _nothing(_stack: str) -> Mapping[str, object]:
    return {}


def config_text(value: object) -> str:
    """A config value as the engine hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _run_to_the_end(root: Path, monitor: Monitor) -> None:
    def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    async def run() -> None:
        try:
            await run_in_stack(program)
        finally:
            await _last_messages()

    loop = asyncio.new_event_loop()
    executor = ThreadPoolExecutor(_THREADS, "pulumi")
    loop.set_default_executor(executor)
    # A failure reaches us through the run itself; asyncio would report it again for each task that it went through.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run())
    finally:
        try:
            monitor.stop()
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            if pending:
                loop.run_until_complete(asyncio.wait(pending, timeout=_CANCEL_SECONDS))
            loop.run_until_complete(loop.shutdown_asyncgens())
            executor.shutdown(wait=True, cancel_futures=True)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _last_messages() -> None:
    """Let the SDK send the messages that wait for their resource's URN: it does not do so by itself at the end."""
    tasks = {task for task in asyncio.all_tasks() if "do_log" in getattr(task.get_coro(), "__qualname__", "")}
    if tasks:
        await asyncio.wait(tasks, timeout=1)


def _one_failure(failures: list[Exception]) -> Exception:
    if len(failures) == 1:
        return failures[0]
    unexpected = [failure for failure in failures if not isinstance(failure, pulumi.RunError)]
    if unexpected:
        return unexpected[0]
    return pulumi.RunError("\n".join(dict.fromkeys(str(failure) for failure in failures)))


@contextmanager
def _sdk_defaults_kept() -> Generator[None]:
    """Put back what the SDK's settings show to a thread without any context of its own.

    Setting one of them also sets that default when there was no value before (`ContextProperty.fset`).
    """
    name = "_ContextProperty__default"
    properties = [value for value in vars(Settings).values() if isinstance(value, ContextProperty)]
    before = [getattr(value, name) for value in properties]
    try:
        yield
    finally:
        for value, default in zip(properties, before, strict=True):
            setattr(value, name, default)


@contextmanager
def _configured(config: Mapping[str, object]) -> Generator[None]:
    """Hand the config over as Pulumi's language host does."""
    before = os.environ.get(_CONFIG)
    os.environ[_CONFIG] = json.dumps({f"{PROJECT}:{key}": config_text(value) for key, value in config.items()})
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CONFIG]
        else:
            os.environ[_CONFIG] = before


@contextmanager
def _inside(root: Path) -> Generator[None]:
    """Working directory and module path of the project, and none of its freshly loaded modules afterwards.

    The engine starts the program in a new process: state in its modules must not outlive a run here either, nor the
    thresholds of the garbage collector.
    """
    directory, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    thresholds = gc.get_threshold()
    os.chdir(root)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        os.chdir(directory)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if isinstance(file, str) and Path(file).is_relative_to(root) and _own(Path(file), root):
                del sys.modules[name]


def _own(file: Path, root: Path) -> bool:
    """Whether it is the project's and not installed in a virtual environment inside of it."""
    return not {"site-packages", "dist-packages"} & set(file.relative_to(root).parts)
