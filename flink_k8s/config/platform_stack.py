"""A stack of jobs on the platform of another stack: the settings that it inherits, and those that it must not set.

Both are stacks of this project. The shared settings are in the platform's stack file, so checks need no engine.
`flink_k8s.components.platform_stack` verifies with the engine that the platform is deployed as its file specifies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from flink_k8s.config.model import DEFAULT_NAMESPACE
from flink_k8s.config.problems import Problem, ProblemsError, nearest
from flink_k8s.config.stack_file import UNREAD_CONTEXT, StackConfig, read_config, stacks

PLATFORM = "platform"
"""The key that names the platform's stack."""

PLATFORM_KEYS = (
    "context",
    "kubeconfig",
    "certManager",
    "prometheus",
    "logging",
    "operator",
    "charts",
    "stateStorage",
    "networkPolicies",
    "ingress",
    "teamKinds",
    "mavenRepository",
)
"""Keys that only the platform's stack may set."""

_IF_EITHER = ("strict", "protectJobs", "openshift")

_EMPTY: tuple[object, ...] = (None, "", {}, [])
"""Defaults in Pulumi.yaml, which the engine passes for keys that a stack file does not set."""

_EMPTY_IS_A_VALUE = ("jobFolders",)
"""Keys with another default."""


def with_platform(root: Path, config: StackConfig) -> tuple[StackConfig, list[Problem]]:
    """A stack's config with the settings of its platform's stack, and the conflicts of the two.

    The platform's `jobDefaults` and `enforced` (`KEYS_FOR_ALL_JOBS`) are not merged: they are sources of their own
    before and after those of the stack, and remain in `platform_config`.

    Args:
        root: the project.
        config: of any stack; the config of a platform's stack is returned unchanged.
    """
    if config.platform_config is not None:
        return _on_platform(config, config.platform_config)
    name = config.values.get(PLATFORM)
    if name in _EMPTY:
        return config, []
    if not isinstance(name, str):
        return config, []  # reported by the model
    try:
        platform_config = _platform(root, config, name)
    except ProblemsError as error:
        return config, list(error.problems)
    return _on_platform(config, platform_config)


def _on_platform(config: StackConfig, platform_config: StackConfig) -> tuple[StackConfig, list[Problem]]:
    values_of_stack = {
        key: value for key, value in config.values.items() if value not in _EMPTY or key in _EMPTY_IS_A_VALUE
    }
    problems = [
        config.problem((key,), f"belongs to the platform; set it in {platform_config.file}")
        for key in PLATFORM_KEYS
        if key in values_of_stack
    ]
    namespaces, namespace_problems = _namespaces(config, platform_config, values_of_stack.get("namespaces"))
    values: dict[str, object] = {
        **{key: value for key, value in values_of_stack.items() if key not in PLATFORM_KEYS},
        **{
            key: platform_config.values[key]
            for key in ("context", "kubeconfig", "networkPolicies", "ingress", "teamKinds", "mavenRepository")
            if key in platform_config.values
        },
        "namespaces": namespaces,
        "certManager": {"enabled": False},
        # The platform's stack installs them; their settings apply to the jobs of this stack, too.
        "prometheus": {**_mapping(platform_config.values.get("prometheus")), "enabled": False},
        "logging": {**_mapping(platform_config.values.get("logging")), "enabled": False},
        "operator": {**_mapping(platform_config.values.get("operator")), "enabled": False},
    }
    storage = _mapping(platform_config.values.get("stateStorage"))
    if storage.get("type") not in (None, "none"):
        # The folder is the platform's name, so a job that moves between the platform's stacks finds its state.
        values["stateStorage"] = {"folder": platform_config.stack, **storage}
    elif storage:
        values["stateStorage"] = storage
    severities = {**_mapping(values_of_stack.get("checks")), **_mapping(platform_config.values.get("checks"))}
    if severities:
        values["checks"] = severities  # severities of the platform win
    for key in _IF_EITHER:
        if platform_config.values.get(key) is True:
            values[key] = True
    return replace(config, values=values, platform_config=platform_config), [*problems, *namespace_problems]


def _platform(root: Path, config: StackConfig, name: str) -> StackConfig:
    """The config of the platform's stack.

    Raises:
        ProblemsError: if the stack does not exist, or is not a platform's stack.
    """
    if name not in stacks(root):
        remedy = nearest(name, [other for other in stacks(root) if other != config.stack])
        raise ProblemsError(
            [config.problem((PLATFORM,), f'is "{name}", but Pulumi.{name}.yaml does not exist; {remedy}')]
        )
    platform_config = read_config(root, name)
    if name == config.stack or platform_config.values.get(PLATFORM) not in _EMPTY:
        remedy = "set the stack that declares namespaces and operator"
        raise ProblemsError([config.problem((PLATFORM,), f'is "{name}", which is not a platform\'s stack; {remedy}')])
    if platform_config.values.get("context") == UNREAD_CONTEXT:
        message = f"is not in the file, which {config.file} reads instead of the environment; set it in the file"
        raise ProblemsError([platform_config.problem(("context",), message)])
    return platform_config


def _namespaces(
    config: StackConfig, platform_config: StackConfig, chosen_by_stack: object
) -> tuple[dict[str, object], list[Problem]]:
    """The namespaces of the platform that the stack names; all of them if the stack names none."""
    available = _mapping(platform_config.values.get("namespaces")) or {DEFAULT_NAMESPACE: {}}
    if chosen_by_stack is None:
        return available, []
    problems: list[Problem] = []
    chosen: dict[str, object] = {}
    for name, settings in _mapping(chosen_by_stack).items():
        if name not in available:
            message = (
                f"unknown namespace of {platform_config.file}; {nearest(name, list(available))}; or add it to that file"
            )
            problems.append(config.problem(("namespaces", name), message))
            continue
        chosen[name] = available[name]
        if settings not in _EMPTY:
            message = (
                f"contains settings that belong to the platform; write {{}}, and set them in {platform_config.file}"
            )
            problems.append(config.problem(("namespaces", name), message))
    return chosen or available, problems


def _mapping(value: object) -> dict[str, object]:
    return dict(cast(Mapping[str, object], value)) if isinstance(value, Mapping) else {}


def missing_platform(name: str, output: object, wanted: list[str]) -> str:
    """Message about a missing platform or missing namespaces; empty if the platform's stack has them.

    Args:
        name: of the platform's stack.
        output: the output `platform` of that stack.
        wanted: the required namespaces.
    """
    remedy = f"deploy it first: make up STACK={name}"
    if not isinstance(output, Mapping):
        return f"the platform's stack {name} is not deployed; {remedy}"
    available = cast(Mapping[str, object], output).get("namespaces")
    absent = [namespace for namespace in wanted if not isinstance(available, list) or namespace not in available]
    if absent:
        return f"the platform's stack {name} does not contain the namespace {', '.join(absent)}; {remedy}"
    return ""
