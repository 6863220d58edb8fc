"""Runs the project's `__main__.py` in this process, and restores the state of the process afterwards."""

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

from flink_k8s.config.restore_request import WITHOUT_CLUSTER
from flink_k8s.program.monitor import Callbacks, Effects, Engine, Monitor, References
from flink_k8s.program.resource_graph import Message, ResourceGraph

PROJECT: Final = "flink-k8s"

_CONFIG: Final = "PULUMI_CONFIG"

# Each registration occupies a thread until its effect is done, so this is the maximum of concurrent effects.
_THREADS: Final = 128

# Time in which cancelled tasks of the program must end.
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
) -> ResourceGraph:
    """Run the program once and wait until all of its tasks are done.

    Args:
        root: the project with `__main__.py`; the working directory of the run.
        stack: the stack's name.
        config: the stack's config without the project's prefix; values other than text are converted to JSON.
        preview: the value of `pulumi.runtime.is_dry_run()`. Ids are then unknown, as in a real preview.
        effects: in a test, the behaviour of the cluster; only without `preview`.
        references: in a test, another stack's outputs by its name; not called in a preview.
        log: called immediately with each message of the program, from any thread.

    Raises:
        pulumi.RunError: from the program, or from a failed effect, with one message.
        Exception: any other exception of the program, with its traceback.
    """
    if preview and effects is not None:
        raise ValueError("a preview has no effects")
    monitor = Monitor(PROJECT, stack, preview=preview, effects=effects, references=references or _no_outputs)
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
        # Otherwise the SDK would open a port for callbacks.
        setattr(SETTINGS, "callbacks", Callbacks())  # noqa: B010 - typed as a property without a setter
        _run_to_the_end(root, monitor)

    # The SDK stores its state in context variables: the copy of the context is discarded with the state.
    with _sdk_defaults_kept(), _in_project(root), _configured(config):
        try:
            contextvars.copy_context().run(configured)
        except KeyboardInterrupt:
            raise
        except Exception:
            if monitor.failures:
                raise _one_failure(monitor.failures) from None
            raise
    return monitor.graph(engine.messages)


def _no_outputs(_stack: str) -> Mapping[str, object]:
    return {}


def config_text(value: object) -> str:
    """A config value as the engine passes it to the program."""
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
    # The run raises failures; asyncio would report each of them again for every task.
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
    """Wait for messages that the SDK sends after it knows the URN of their resource."""
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
    """Restore the defaults of the SDK's settings, which threads without a context use.

    The first value of a setting also becomes its default (`ContextProperty.fset`).
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
    """Pass the config like Pulumi's language host, and disable requests to the cluster."""
    values = json.dumps({f"{PROJECT}:{key}": config_text(value) for key, value in config.items()})
    variables = {_CONFIG: values, WITHOUT_CLUSTER: "1"}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _in_project(root: Path) -> Generator[None]:
    """Set working directory and module path to the project, and unload its modules afterwards.

    The engine starts the program in a new process, so neither the state of its modules nor the thresholds of the
    garbage collector must outlive a run.
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
    """Whether the file belongs to the project, and not to a virtual environment in it."""
    return not {"site-packages", "dist-packages"} & set(file.relative_to(root).parts)
