"""Reads `Pulumi.<stack>.yaml` without the `pulumi` command."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, Problem, ProblemsError, dotted, nearest
from flink_k8s.config.yaml_file import Document
from flink_k8s.config.yaml_file import read as read_yaml
from flink_k8s.facts.mappings import listed, mapping

PROJECT = "flink-k8s"
PREFIX = f"{PROJECT}:"

_FILE_PREFIX, _FILE_SUFFIX = "Pulumi.", ".yaml"
"""Prefix and suffix of the name of a stack file; the stack's name between them may contain dots."""

SUSPENSION = "suspension"
RESTORE_DRILL = "restoreDrill"

KEYS_OF_RUNS = {
    SUSPENSION: 'is stored only in the engine\'s state; set "state: suspended" of a job, or run make suspend',
    RESTORE_DRILL: "is only set in a run of make restore-drill; remove it",
}
"""Keys that operations write into their copy of a stack file, with the error for a file that contains the key."""

KEYS_FOR_ALL_JOBS = ("jobDefaults", "enforced")
"""Keys that both a stack and its platform's stack set, each as a source of its own."""

ENVIRONMENT = "environment"
UNREAD_CONTEXT = "set-by-environment"
"""The context of a stack file without one: its environment can set it, and only the engine opens environments."""

STACK_FILE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", ENVIRONMENT)
"""Top-level keys of a stack file."""


@dataclass(frozen=True)
class StackConfig:
    """A stack's config as plain Python, with its positions.

    Attributes:
        file: the stack file as problems name it.
        values: config by key, without the project's prefix.
        document: the stack file; None if the values are from the engine.
        stack: the stack's name.
        overlay: config that was merged over the file; its values win.
        encrypted: keys with encrypted values that the engine has decrypted; in a file, encrypted values are visible.
        platform_config: the config of the platform's stack, if this stack is on a platform.
        is_of_program: whether the values are arguments of a component in a user's program.
        environments: names of the Pulumi ESC environments that set more config; only the engine opens them.
    """

    file: str
    values: Mapping[str, object] = field(repr=False)
    document: Document | None = field(default=None, repr=False)
    stack: str = ""
    overlay: Document | None = None
    encrypted: frozenset[str] = frozenset()
    platform_config: StackConfig | None = None
    is_of_program: bool = False
    environments: Sequence[str] = ()

    @property
    def unread_config(self) -> str:
        """The message about config that only the engine knows."""
        return f"is not opened, so its config is unknown: {', '.join(self.environments)}"

    def problem(self, path: KeyPath, message: str, rule: str = STACK_CONFIG) -> Problem:
        """A problem at the path of the config."""
        if self.overlay is not None and (path in self.overlay.lines or self._is_deeper_in_overlay(path)):
            return self.overlay.problem(path, message, rule)
        is_own = path[:1] and path[0] in KEYS_FOR_ALL_JOBS
        platform = self.platform_config
        if platform is not None and not is_own and platform._depth(path) > self._depth(path):
            return platform.problem(path, message, rule)
        if self.document is None or not path:
            return Problem(self.file, 0, dotted(path), message, rule)
        return Problem(self.file, self.document.line(self._place(path)), dotted(path), message, rule)

    def written(self, path: KeyPath) -> str | None:
        """The text at the path if the value looks different than YAML reads it, else None."""
        if self.overlay is not None and path in self.overlay.lines:
            return self.overlay.written.get(path)
        return None if self.document is None else self.document.written.get(self._place(path))

    def _is_deeper_in_overlay(self, path: KeyPath) -> bool:
        """Whether the overlay contains more parts of the path than the file, such as the list item that lacks a key."""
        lines: Container[KeyPath] = self.overlay.lines if self.overlay is not None else ()
        depth = next((end for end in range(len(path), 0, -1) if path[:end] in lines), 0)
        return depth > 0 and depth + 1 > self._depth(path)

    def _depth(self, path: KeyPath) -> int:
        """Number of parts of the path that exist in this stack's own file."""
        if self.document is None or not path:
            return 0
        place = self._place(path)
        return next((end for end in range(len(place), 0, -1) if place[:end] in self.document.lines), 0)

    def _place(self, path: KeyPath) -> KeyPath:
        first, *rest = path
        assert self.document is not None
        if first == ENVIRONMENT:
            return path
        prefixed = ("config", f"{PREFIX}{first}")
        return (*(prefixed if prefixed in self.document.lines else ("config", first)), *rest)


def stacks(root: Path) -> list[str]:
    """Names of the stacks with a file in the project."""
    names = (path.name for path in root.glob(f"{_FILE_PREFIX}*{_FILE_SUFFIX}"))
    return sorted(name.removeprefix(_FILE_PREFIX).removesuffix(_FILE_SUFFIX) for name in names)


def read_config(root: Path, stack: str, config_file: Path | None = None) -> StackConfig:
    """The config of a stack.

    Args:
        root: the project.
        stack: the stack's name.
        config_file: a file to read instead of `Pulumi.<stack>.yaml`.

    Raises:
        ProblemsError: if the file does not exist, is not valid YAML, or is not a stack file.
    """
    path = config_file or root / f"{_FILE_PREFIX}{stack}{_FILE_SUFFIX}"
    title = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    if not path.exists():
        known = stacks(root)
        raise ProblemsError(
            [
                Problem(
                    title, 0, "", f"does not exist; use one of the stacks: {', '.join(known) or 'none'}", STACK_CONFIG
                )
            ]
        )
    documents, problems = read_yaml(path, title)
    if problems:
        raise ProblemsError(problems)
    if not documents:
        return StackConfig(title, {}, stack=stack)
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise ProblemsError(
            [Problem(title, 0, "", "is not a stack file; write one document with the key config", STACK_CONFIG)]
        )
    document = documents[0]
    top = cast(dict[str, object], document.value)
    config = cast(object, top.get("config") or {})
    if not isinstance(config, dict):
        raise ProblemsError([document.problem(("config",), "is not a mapping; write one key per line", STACK_CONFIG)])
    values: dict[str, object] = {}
    key_problems: list[Problem] = []
    for key in top:
        if key not in STACK_FILE_KEYS:
            key_problems.append(
                document.problem((key,), f"unknown key of a stack file; {nearest(key, ['config'])}", STACK_CONFIG)
            )
    for key, value in cast(dict[str, object], config).items():
        project, colon, name = key.partition(":")
        if not colon:
            name, project = key, PROJECT
        if project == PROJECT and name in KEYS_OF_RUNS and config_file is None:
            key_problems.append(document.problem(("config", key), KEYS_OF_RUNS[name], STACK_CONFIG))
            continue
        if project == PROJECT and name in values:
            message = f"is a duplicate key, with and without the prefix {PREFIX}; remove one of them"
            key_problems.append(document.problem(("config", key), message, STACK_CONFIG))
        elif project == PROJECT:
            values[name] = value
        elif project not in {"pulumi", "kubernetes"}:
            problem = f'belongs to the project "{project}"; use the prefix {PREFIX}'
            key_problems.append(document.problem(("config", key), problem, STACK_CONFIG))
    if key_problems:
        raise ProblemsError(key_problems)
    environments = _environments(top.get(ENVIRONMENT))
    if environments and not values.get("platform"):
        values.setdefault("context", UNREAD_CONTEXT)
    return StackConfig(title, values, document, stack, environments=environments)


def _environments(value: object) -> list[str]:
    """The imported environments of the key `environment`: a list of names, or an environment with `imports`.

    An import is a name, or a mapping with the name as its only key. An environment with own values counts, too.
    """
    own = mapping(value)
    imports = listed(own.get("imports") if own else value)
    names = [next(iter(cast(dict[str, object], item)), "") if isinstance(item, dict) else item for item in imports]
    return [str(name) for name in names] + (["its own values"] if own.get("values") else [])


def read(root: Path, stack: str, config_file: Path | None = None, overlay: Path | None = None) -> dict[str, object]:
    """The plain values of `read_config` with an overlay, by key."""
    return dict(with_overlay(read_config(root, stack, config_file), overlay).values)


def read_overlay(path: Path) -> Document:
    """An overlay, a file with config keys without prefix: `LAYER=file` of the Make targets.

    Raises:
        ProblemsError: if the file is not a mapping.
    """
    documents, problems = read_yaml(path, str(path))
    if not problems and len(documents) > 1:
        problems = [Problem(str(path), 0, "", "contains several documents; write one document", STACK_CONFIG)]
    overlay = documents[0] if documents else Document(str(path), {}, {})
    if not problems and not isinstance(overlay.value, dict):
        problems = [Problem(str(path), 0, "", "is not a mapping; write config keys without prefix", STACK_CONFIG)]
    if problems:
        raise ProblemsError(problems)
    return overlay


def with_overlay(config: StackConfig, file: Path | None) -> StackConfig:
    """A stack's config with an overlay.

    Raises:
        ProblemsError: if the overlay's file is not a mapping.
    """
    if file is None:
        return config
    overlay = read_overlay(file)
    values = merge_mappings(config.values, cast(dict[str, object], overlay.value))
    return replace(config, values=values, overlay=overlay)


def engine_config(values: Mapping[str, str], stack: str, encrypted: Collection[str] = ()) -> StackConfig:
    """The stack config as the engine passes it to the program: text, with JSON for values other than strings.

    Args:
        values: `project:key` to text, of all projects.
        stack: the stack's name, for problems.
        encrypted: the `project:key` names with encrypted values.
    """
    plain: dict[str, object] = {}
    for key, value in values.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            plain[name] = value if _is_text(name) else _parsed(value)
    hidden = frozenset(key.removeprefix(PREFIX) for key in encrypted if key.startswith(PREFIX))
    return StackConfig(f"Pulumi.{stack}.yaml", plain, stack=stack, encrypted=hidden)


def _is_text(name: str) -> bool:
    return name in ("context", "kubeconfig", "jobTimeout", "platform", "defaultNamespace")


def _parsed(value: str) -> object:
    try:
        return cast(object, json.loads(value))
    except json.JSONDecodeError:
        return cast(object, yaml.safe_load(value)) if value in ("true", "false") else value
