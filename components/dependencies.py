"""What must be there before a resource, and how many alike are registered at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Final, TypeVar

import pulumi
from pulumi.resource import DependencyResource

T = TypeVar("T")

Needed = pulumi.Output[list[pulumi.Resource]]
"""What `depends_on` takes: known once all that the output was made from is there."""

AT_ONCE: Final = 128
"""Resources of one kind; more than an engine works on side by side, unless it is told to."""


def after(needed: Iterable[pulumi.Input[pulumi.Resource]]) -> Needed:
    """What must be there before, as one `depends_on` that many resources share.

    Of each resource in a list the SDK makes an output anew, for every resource that has the list; an output it takes
    as it is, with the resources that it was made from. Those are stand-ins here: behind a resource itself the SDK
    searches for a circle, and behind a namespace's last policy are those of all its jobs.

    Args:
        needed: resources, or outputs of resources that are known once they are ready.
    """
    wanted = [pulumi.Output.from_input(one) for one in needed]

    async def stand_ins() -> set[pulumi.Resource]:
        # In a preview without an engine, what another stack says is not known, and neither is what waits for it.
        found = [await one.future() for one in wanted]
        return {await _stand_in(one) for one in found if one is not None}

    return _made_from(stand_ins())


class Turns:
    """Keeps a resource from becoming a message to the engine until few others are under way.

    The messages of a thousand jobs take more memory than the jobs themselves: docs/adr/0007.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    def queue(self, resource: pulumi.Resource, needed: Needed) -> Needed:
        """What a resource is to depend on in the place of `needed`: known once that is there and it is its turn.

        Its turn is over when it is registered, or when that has failed.

        Args:
            resource: about to be registered.
            needed: as `after` gives it. Nothing that is behind a component in it may be queued here, too: it would wait
                for the turn of what waits for it.
        """

        async def in_turn() -> set[pulumi.Resource]:
            found = await needed.resources()
            await self._free.acquire()
            asyncio.ensure_future(resource.urn.future()).add_done_callback(self._over)
            return found

        return _made_from(in_turn())

    def _over(self, registered: asyncio.Future[str | None]) -> None:
        self._free.release()
        if not registered.cancelled():
            registered.exception()  # looked at: whoever made the resource hears of it


def _made_from(resources: Awaitable[set[pulumi.Resource]]) -> Needed:
    nothing: list[pulumi.Resource] = []
    return pulumi.Output(resources, asyncio.ensure_future(_known(nothing)), asyncio.ensure_future(_known(True)))


async def _stand_in(resource: pulumi.Resource) -> pulumi.Resource:
    if isinstance(resource, pulumi.ComponentResource):
        return resource  # it stands for its children
    return DependencyResource(str(await resource.urn.future()))


async def _known(value: T) -> T:
    return value


async def registered() -> None:
    """What `pulumi.run` takes at the program's end: lets all that was registered begin.

    The SDK then waits for one registration after the other, the stack's outputs first. If none has begun yet, as at the
    end of a program without this, it looks at every open output whenever one is done, and its time grows with the
    square of the number of resources.
    """
    await asyncio.sleep(0)
