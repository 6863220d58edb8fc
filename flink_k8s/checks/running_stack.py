"""The declared stack of the running Pulumi program, from the engine's config."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pulumi

from flink_k8s.checks.continuation import RESOLVED_LATER
from flink_k8s.checks.deployed_suspension import deployed_suspension
from flink_k8s.checks.load import OperatorReader, load
from flink_k8s.config.findings import Severity
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, SUSPENSION, engine_config
from flink_k8s.resolve.declared_stack import DeclaredStack


def declared_stack(root: Path, existing_operator: OperatorReader) -> DeclaredStack:
    """Read and check the stack's settings and jobs.

    Args:
        root: the project.
        existing_operator: reads the operator in the cluster, for a stack that has none of its own.

    Raises:
        pulumi.RunError: contains every problem of stack config and job files; raised before any registration.
    """
    # pulumi.Config returns single keys. To find a misspelt key the program needs all of them: the language host sets
    # them in PULUMI_CONFIG, and the SDK reads that variable here.
    values = {**pulumi.runtime.get_config_env()}
    # Without the key, the engine passes its default.
    if json.loads(values.get(f"{PREFIX}{SUSPENSION}") or "{}") == {}:
        values[f"{PREFIX}{SUSPENSION}"] = json.dumps({"jobs": deployed_suspension()})
    config = engine_config(values, pulumi.get_stack(), pulumi.runtime.get_config_secret_keys_env())
    return checked(lambda: load(root, config, existing_operator))


def checked(load_stack: Callable[[], DeclaredStack]) -> DeclaredStack:
    """The stack, with its remarks in the log.

    Args:
        load_stack: reads and checks it.

    Raises:
        pulumi.RunError: contains every problem.
    """
    try:
        stack = load_stack()
    except ProblemsError as error:
        raise pulumi.RunError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None
    for remark in stack.remarks:
        if remark.problem.rule == RESOLVED_LATER:
            continue  # the program resolves the request and prints the path
        log = pulumi.log.warn if remark.severity is Severity.WARNING else pulumi.log.info
        log(str(remark.problem))
    return stack
