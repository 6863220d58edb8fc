"""The declared stack of the running Pulumi program, from the engine's config."""

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
from flink_k8s.resolve.declared_stack import Platform


def declared_platform(root: Path) -> Platform:
    """Read and check the stack's settings and jobs.

    Args:
        root: the project.

    Raises:
        pulumi.RunError: contains every problem of stack config and job files; raised before any registration.
    """
    # All objects live until the program ends. By default, garbage collection would take a third of the time.
    gc.set_threshold(10_000, 50, 100)
    # pulumi.Config returns single keys; to detect misspelt keys, all keys are required.
    values = dict(CONFIG.get()) or dict(pulumi.runtime.config.get_config_env())
    try:
        platform = load(root, engine_config(values, pulumi.get_stack(), _encrypted(values)))
    except ProblemsError as error:
        raise pulumi.RunError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None
    for remark in platform.remarks:
        log = pulumi.log.warn if remark.severity is Severity.WARNING else pulumi.log.info
        log(str(remark.problem))
    return platform


def _encrypted(keys: Iterable[str]) -> list[str]:
    """The keys with an encrypted value or part of a value."""
    of_process = get_config_secret_keys_env()
    return [key for key in keys if is_config_secret(key) or key in of_process]
