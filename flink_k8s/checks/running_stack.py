"""What the running stack declares, out of the engine's config."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_secret_keys_env, is_config_secret

from flink_k8s.checks.load import load
from flink_k8s.config.findings import Severity
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import engine_config
from flink_k8s.resolve.declared_stack import DeclaredStack


def declared_stack(root: Path) -> DeclaredStack:
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


def _encrypted(keys: Iterable[str]) -> list[str]:
    """Those of the keys in which something was encrypted."""
    of_process = get_config_secret_keys_env()
    return [key for key in keys if is_config_secret(key) or key in of_process]
