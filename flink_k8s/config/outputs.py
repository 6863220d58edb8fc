"""Outputs in the arguments of a program: texts that are in their place while the arguments are merged and checked."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from flink_k8s.config.problems import KeyPath, Problem, dotted

_PREFIX: Final = "flink-k8s-output-"
_PLACEHOLDER: Final = re.compile(rf"{_PREFIX}[0-9a-f]{{8}}")

_JOB_SETTINGS: Final = (
    *("image", "parameters.*", "args.*", "env.*", "flinkConfiguration.**", "spec.**"),
    *("secretEnv.*.secret", "secretEnv.*.key"),
)

_PLACES: Final = tuple(
    tuple(place.split("."))
    for place in (
        *("stateStorage.uri", "stateStorage.region", "stateStorage.serviceAccountAnnotations.*"),
        *("stateStorage.managedIdentity.tenant", "stateStorage.managedIdentity.clientId"),
        *("stateStorage.credentials.*.secret", "stateStorage.credentials.*.key"),
        *("images.*", "certManager.values.**", "prometheus.values.**", "operator.values.**"),
        *(f"{source}.{setting}" for source in ("jobDefaults", "jobs.*", "enforced") for setting in _JOB_SETTINGS),
    )
)
"""Paths of the stack config whose values are free text: `*` is one key, `**` any number of them."""

_IDENTITY: Final = ((), ("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"))
"""Paths of a manifest that identify the object, and that contain such a path."""

_URIS: Final = {"s3": "s3://{0}/state", "gcs": "gs://{0}/state", "azure": "abfss://{0}@{0}.dfs.core.windows.net/state"}
"""Form of a URI by the type of storage."""


def accepts_output(path: KeyPath) -> bool:
    """Whether a value of the stack config can be an output."""
    return any(_matches(place, path) for place in _PLACES)


def identifies(path: KeyPath) -> bool:
    """Whether a value of a manifest is needed to identify the object, and cannot be an output."""
    return path in _IDENTITY


def _matches(place: tuple[str, ...], path: KeyPath) -> bool:
    if place[-1] == "**":
        return len(path) >= len(place) and _matches(place[:-1], path[: len(place) - 1])
    return len(place) == len(path) and all(part in ("*", key) for part, key in zip(place, path, strict=True))


def placeholder(owner: str, path: KeyPath) -> str:
    """The text for the output at a path; the same in every run. It is a valid name in Kubernetes.

    Args:
        owner: of the arguments, for example a component.
        path: in the arguments.
    """
    digest = hashlib.sha256(f"{owner}\n{dotted(path)}".encode()).hexdigest()
    return f"{_PREFIX}{digest[:8]}"


def storage_uri(text: str, storage_type: object) -> str:
    """A URI of the type of storage that contains a placeholder; the placeholder itself for another type."""
    return _URIS.get(str(storage_type), "{0}").format(text)


def has_placeholder(value: object) -> bool:
    """Whether a text contains a placeholder."""
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def misplaced(file: str, path: str, rule: str, line: int = 0) -> Problem:
    """The problem about an output where the value itself is needed."""
    message = "is an output, which is not known when the arguments are checked; write a plain value"
    return Problem(file, line, path, message, rule)


def without_placeholder(problem: Problem) -> Problem:
    """The problem; if it is about a placeholder, the problem that the value is an output."""
    if not has_placeholder(problem.message):
        return problem
    return misplaced(problem.file, problem.path, problem.rule, problem.line)
