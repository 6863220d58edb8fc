"""What the running stack declares, out of the engine's config."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_secret_keys_env, is_config_secret

from settings.platform import Platform, engine_config, load
from settings.problems import ProblemsError
from settings.rules.finding import Severity


def declared_platform(root: Path) -> Platform:
    """The stack's settings and jobs.

    Args:
        root: the project.

    Raises:
        pulumi.RunError: with every problem of stack config and job files; nothing has been registered then.
    """
    # Everything that is made lives until the end. With Python's own thresholds a third of the time goes into looking
    # for what could be thrown away.
    gc.set_threshold(10_000, 50, 100)
    # pulumi.Config answers single keys; a misspelt one can only be found by looking at all of them.
    values = dict(CONFIG.get()) or dict(pulumi.runtime.config.get_config_env())
    try:
        platform = load(root, engine_config(values, pulumi.get_stack(), _encrypted(values)))
    except ProblemsError as error:
        raise pulumi.RunError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None
    for remark in platform.remarks:
        say = pulumi.log.warn if remark.severity is Severity.WARNING else pulumi.log.info
        say(str(remark.problem))
    return platform


async def registered() -> None:
    """What `pulumi.run` takes at the program's end: lets all that was registered begin.

    The SDK then waits for one registration after the other, the stack's outputs first. If none has begun yet, as at the
    end of a program without this, it looks at every open output whenever one is done, and its time grows with the
    square of the number of resources.
    """
    await asyncio.sleep(0)


def _encrypted(keys: Iterable[str]) -> list[str]:
    """Those of the keys in which something was encrypted."""
    of_process = get_config_secret_keys_env()
    return [key for key in keys if is_config_secret(key) or key in of_process]
