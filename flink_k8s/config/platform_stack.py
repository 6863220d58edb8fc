"""A stack of jobs on a platform that another stack holds: what it takes from there, and what it may not say itself.

Both are stacks of this project, so what they agree on stands in the platform's own stack file, and checks need no
engine. That the platform is up, and as its file says, the program asks of the engine: `components.platform_stack`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from flink_k8s.config.model import DEFAULT_NAMESPACE
from flink_k8s.config.problems import Problem, ProblemsError, nearest
from flink_k8s.config.stack_file import StackConfig, read_config, stacks

PLATFORM = "platform"
"""The key that names the platform's stack."""

ITS_OWN = (
    "context",
    "kubeconfig",
    "certManager",
    "prometheus",
    "operator",
    "charts",
    "stateStorage",
    "networkPolicies",
    "ingress",
)
"""What the platform's stack alone may say."""

_IF_EITHER = ("strict", "protectJobs")

_NOTHING: tuple[object, ...] = (None, "", {})


def with_platform(root: Path, config: StackConfig) -> tuple[StackConfig, list[Problem]]:
    """A stack's config with what it takes from the platform's stack, and what is wrong with the two together.

    What the platform's stack says of all jobs (`OF_ALL_JOBS`) is not in it: that lies in layers of its own under and
    over the stack's, and stays in `below`.

    Args:
        root: the project.
        config: of any stack; one that holds a platform itself is handed back as it is.
    """
    name = config.values.get(PLATFORM)
    if name in _NOTHING:
        return config, []
    if not isinstance(name, str):
        return config, []  # the model says so
    try:
        below = _platform(root, config, name)
    except ProblemsError as error:
        return config, list(error.problems)
    own = {key: value for key, value in config.values.items() if value not in _NOTHING}
    problems = [
        config.problem((key,), f"belongs to the platform; say it in {below.file}") for key in ITS_OWN if key in own
    ]
    namespaces, found = _namespaces(config, below, own.get("namespaces"))
    values: dict[str, object] = {
        **{key: value for key, value in own.items() if key not in ITS_OWN},
        **{
            key: below.values[key]
            for key in ("context", "kubeconfig", "networkPolicies", "ingress")
            if key in below.values
        },
        "namespaces": namespaces,
        "certManager": {"enabled": False},
        # Neither is installed, but who scrapes and what looks after jobs is the same.
        "prometheus": {**_mapping(below.values.get("prometheus")), "enabled": False},
        "operator": {**_mapping(below.values.get("operator")), "enabled": False},
    }
    storage = _mapping(below.values.get("stateStorage"))
    if storage.get("type") not in (None, "none"):
        # By the platform's name: a job that moves from one of its stacks to another finds its state where it was.
        values["stateStorage"] = {"folder": name, **storage}
    elif storage:
        values["stateStorage"] = storage
    severities = {**_mapping(own.get("checks")), **_mapping(below.values.get("checks"))}
    if severities:
        values["checks"] = severities  # the platform's win
    for key in _IF_EITHER:
        if below.values.get(key) is True:
            values[key] = True
    return replace(config, values=values, below=below), [*problems, *found]


def _platform(root: Path, config: StackConfig, name: str) -> StackConfig:
    """The config of the platform's stack.

    Raises:
        ProblemsError: when there is none.
    """
    if name not in stacks(root):
        near = nearest(name, [other for other in stacks(root) if other != config.stack])
        raise ProblemsError([config.problem((PLATFORM,), f'is "{name}", and there is no Pulumi.{name}.yaml; {near}')])
    below = read_config(root, name)
    if name == config.stack or below.values.get(PLATFORM) not in _NOTHING:
        cure = "name the stack with the namespaces and the operator"
        raise ProblemsError([config.problem((PLATFORM,), f'is "{name}", which holds no platform itself; {cure}')])
    return below


def _namespaces(config: StackConfig, below: StackConfig, said: object) -> tuple[dict[str, object], list[Problem]]:
    """Those of the platform's namespaces that the stack names, all where it names none."""
    there = _mapping(below.values.get("namespaces")) or {DEFAULT_NAMESPACE: {}}
    if said is None:
        return there, []
    problems: list[Problem] = []
    chosen: dict[str, object] = {}
    for name, settings in _mapping(said).items():
        if name not in there:
            known = f"{nearest(name, list(there))}, or add it there"
            problems.append(config.problem(("namespaces", name), f"is no namespace of {below.file}; {known}"))
            continue
        chosen[name] = there[name]
        if settings not in _NOTHING:
            cure = f"write {{}} here, and the rest in {below.file}"
            problems.append(
                config.problem(("namespaces", name), f"belongs to the platform with all its settings; {cure}")
            )
    return chosen or there, problems


def _mapping(value: object) -> dict[str, object]:
    return dict(cast(Mapping[str, object], value)) if isinstance(value, Mapping) else {}


def missing_platform(name: str, output: object, wanted: list[str]) -> str:
    """What the platform's stack lacks, in words; empty when nothing is missing.

    Args:
        name: of the platform's stack.
        output: its output `platform`.
        wanted: the namespaces that are needed.
    """
    cure = f"bring it up first: make up STACK={name}"
    if not isinstance(output, Mapping):
        return f"the stack {name}, which holds the platform, is not up; {cure}"
    there = cast(Mapping[str, object], output).get("namespaces")
    absent = [one for one in wanted if not isinstance(there, list) or one not in there]
    if absent:
        return f"the stack {name} has no namespace {', '.join(absent)} yet; {cure}"
    return ""
