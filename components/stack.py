"""What the running stack declares, out of the engine's config."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG

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
    # pulumi.Config answers single keys; a misspelt one can only be found by looking at all of them.
    values = dict(CONFIG.get()) or dict(pulumi.runtime.config.get_config_env())
    try:
        platform = load(root, engine_config(values, pulumi.get_stack()))
    except ProblemsError as error:
        raise pulumi.RunError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None
    for remark in platform.remarks:
        say = pulumi.log.warn if remark.severity is Severity.WARNING else pulumi.log.info
        say(str(remark.problem))
    return platform
