"""The program's resource hooks in process: what it wants to be called for before a release is made or changed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Awaitable, Mapping
from typing import Final

import pulumi

from local.process import Interrupted
from local.recording import Resource
from local.values import reveal

_TICK_SECONDS: Final = 0.2


class Hooks:
    """Hooks by name, and running them from the threads that apply resources."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[pulumi.ResourceHook, asyncio.AbstractEventLoop, contextvars.Context]] = {}

    def register(self, hook: pulumi.ResourceHook) -> None:
        """Keep a hook; called on the program's event loop, on which the hook will run."""
        self._known[hook.name] = (hook, asyncio.get_running_loop(), contextvars.copy_context())

    def run(self, moment: str, resource: Resource, stopping: threading.Event) -> None:
        """Run the hooks that the resource has for a moment, one after the other.

        There is no state here, so a hook is not told what the resource was before.

        Args:
            moment: `before_create` or `before_update`.
            resource: about to be applied.
            stopping: when set, a hook that is under way is cancelled.

        Raises:
            pulumi.RunError: what the hook raised.
            Interrupted: when the run is to end.
        """
        for name in resource.hooks.get(moment, ()):
            hook, loop, context = self._known[name]
            args = pulumi.ResourceHookArgs(
                urn=resource.urn, id="", name=resource.name, type=resource.type, new_inputs=_plain(resource.inputs)
            )

            async def call(hook: pulumi.ResourceHook = hook, args: pulumi.ResourceHookArgs = args) -> None:
                result = hook(args)
                if isinstance(result, Awaitable):
                    await result

            # The SDK keeps its state in context variables, which a thread of the executor does not have.
            future = context.copy().run(asyncio.run_coroutine_threadsafe, call(), loop)
            _wait(future, stopping, resource)


def _plain(inputs: Mapping[str, object]) -> dict[str, object]:
    return {name: reveal(value) for name, value in inputs.items()}


def _wait(future: concurrent.futures.Future[None], stopping: threading.Event, resource: Resource) -> None:
    while True:
        try:
            return future.result(_TICK_SECONDS)
        except concurrent.futures.CancelledError:
            raise Interrupted(f"{resource.title}: its hook was interrupted") from None
        except TimeoutError as error:
            if future.done():  # the hook's own
                raise pulumi.RunError(f"{resource.title}: its hook took too long: {error}") from None
            if stopping.is_set():
                future.cancel()
