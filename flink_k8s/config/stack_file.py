"""Reads `Pulumi.<stack>.yaml` without the `pulumi` command."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, Problem, ProblemsError, dotted, nearest
from flink_k8s.config.yaml_file import Document
from flink_k8s.config.yaml_file import read as read_yaml

PROJECT = "flink-k8s"
PREFIX = f"{PROJECT}:"

_BEGINNING, _END = "Pulumi.", ".yaml"
"""What is before and after a stack's name, which may have dots of its own, in the name of its file."""

SUSPENSION = "suspension"
"""The key that the tools write into their copy of a stack file, and nobody into the file."""

OF_ALL_JOBS = ("jobDefaults", "enforced")
"""The keys that a stack and the platform's stack both have a say with, each in a layer of its own."""

STACK_FILE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""What may stand at the top of a stack file."""


@dataclass(frozen=True)
class StackConfig:
    """A stack's config as plain Python, and where it stands.

    Attributes:
        file: the stack file as problems name it.
        values: config by key, without the project's prefix.
        document: the stack file; None when the values came from the engine.
        stack: the stack's name.
        layer: what was laid over the file; its values win.
        encrypted: keys in which something is encrypted, where the engine has decrypted it; a file shows it by itself.
        below: the config of the platform's stack, where the stack is one of jobs on it.
    """

    file: str
    values: Mapping[str, object] = field(repr=False)
    document: Document | None = field(default=None, repr=False)
    stack: str = ""
    layer: Document | None = None
    encrypted: frozenset[str] = frozenset()
    below: StackConfig | None = None

    def problem(self, path: KeyPath, message: str, rule: str = STACK_CONFIG) -> Problem:
        """A problem at that path of the config."""
        if self.layer is not None and path in self.layer.lines:
            return self.layer.problem(path, message, rule)
        is_own = path[:1] and path[0] in OF_ALL_JOBS
        if self.below is not None and not is_own and self.below._depth(path) > self._depth(path):
            return self.below.problem(path, message, rule)
        if self.document is None or not path:
            return Problem(self.file, 0, dotted(path), message, rule)
        return Problem(self.file, self.document.line(self._place(path)), dotted(path), message, rule)

    def written(self, path: KeyPath) -> str | None:
        """The text that stands at that path where YAML reads something that looks otherwise; None where it does not."""
        if self.layer is not None and path in self.layer.lines:
            return self.layer.written.get(path)
        return None if self.document is None else self.document.written.get(self._place(path))

    def _depth(self, path: KeyPath) -> int:
        """How far the path can be followed in this stack's own file."""
        if self.document is None or not path:
            return 0
        place = self._place(path)
        return next((end for end in range(len(place), 0, -1) if place[:end] in self.document.lines), 0)

    def _place(self, path: KeyPath) -> KeyPath:
        first, *rest = path
        assert self.document is not None
        prefixed = ("config", f"{PREFIX}{first}")
        return (*(prefixed if prefixed in self.document.lines else ("config", first)), *rest)


def stacks(root: Path) -> list[str]:
    """Names of the stacks that have a file in the project."""
    names = (path.name for path in root.glob(f"{_BEGINNING}*{_END}"))
    return sorted(name.removeprefix(_BEGINNING).removesuffix(_END) for name in names)


def read_config(root: Path, stack: str, config_file: Path | None = None) -> StackConfig:
    """The config of a stack.

    Args:
        root: the project.
        stack: the stack's name.
        config_file: another file than `Pulumi.<stack>.yaml`.

    Raises:
        ProblemsError: when the file is not there, is no YAML or is no stack file.
    """
    path = config_file or root / f"{_BEGINNING}{stack}{_END}"
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    if not path.exists():
        known = stacks(root)
        raise ProblemsError(
            [Problem(shown, 0, "", f"does not exist; stacks here: {', '.join(known) or 'none'}", STACK_CONFIG)]
        )
    documents, problems = read_yaml(path, shown)
    if problems:
        raise ProblemsError(problems)
    if not documents:
        return StackConfig(shown, {}, stack=stack)
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise ProblemsError(
            [Problem(shown, 0, "", "is no stack file; it needs one document with the key config", STACK_CONFIG)]
        )
    document = documents[0]
    top = cast(dict[str, object], document.value)
    config = cast(object, top.get("config") or {})
    if not isinstance(config, dict):
        raise ProblemsError([document.problem(("config",), "is no mapping; write one key a line", STACK_CONFIG)])
    values: dict[str, object] = {}
    found: list[Problem] = []
    for key in top:
        if key not in STACK_FILE_KEYS:
            found.append(
                document.problem((key,), f"is an unknown key of a stack file; {nearest(key, ['config'])}", STACK_CONFIG)
            )
    for key, value in cast(dict[str, object], config).items():
        project, colon, name = key.partition(":")
        if not colon:
            name, project = key, PROJECT
        if project == PROJECT and name == SUSPENSION and config_file is None:
            message = 'is kept by the engine alone; write "state: suspended" of a job, or run make suspend'
            found.append(document.problem(("config", key), message, STACK_CONFIG))
            continue
        if project == PROJECT and name in values:
            message = f"stands twice, with and without {PREFIX} before it; keep one"
            found.append(document.problem(("config", key), message, STACK_CONFIG))
        elif project == PROJECT:
            values[name] = value
        elif project not in {"pulumi", "kubernetes"}:
            problem = f'belongs to the project "{project}"; the keys of this one begin with {PREFIX}'
            found.append(document.problem(("config", key), problem, STACK_CONFIG))
    if found:
        raise ProblemsError(found)
    return StackConfig(shown, values, document, stack)


def read(root: Path, stack: str, config_file: Path | None = None, layer: Path | None = None) -> dict[str, object]:
    """`read_config`, with a layer over it, without positions: the plain values by key."""
    return dict(laid_over(read_config(root, stack, config_file), layer).values)


def read_layer(path: Path) -> Document:
    """A file of config by key without prefix, to be laid over a stack's: `LAYER=file` of the Make targets.

    Raises:
        ProblemsError: when the file is no mapping.
    """
    documents, problems = read_yaml(path, str(path))
    if not problems and len(documents) > 1:
        problems = [Problem(str(path), 0, "", "has several documents; write one", STACK_CONFIG)]
    found = documents[0] if documents else Document(str(path), {}, {})
    if not problems and not isinstance(found.value, dict):
        problems = [Problem(str(path), 0, "", "is no mapping; write config keys without prefix", STACK_CONFIG)]
    if problems:
        raise ProblemsError(problems)
    return found


def laid_over(config: StackConfig, layer: Path | None) -> StackConfig:
    """A stack's config with a layer over it.

    Raises:
        ProblemsError: when the layer's file is no mapping.
    """
    if layer is None:
        return config
    found = read_layer(layer)
    values = merge_mappings(config.values, cast(dict[str, object], found.value))
    return replace(config, values=values, layer=found)


def engine_config(values: Mapping[str, str], stack: str, encrypted: Collection[str] = ()) -> StackConfig:
    """The stack config as the engine hands it to the program: text, with JSON for what is no string.

    Args:
        values: `project:key` to text, of all projects.
        stack: the stack's name, for problems.
        encrypted: those of its `project:key` in which something was encrypted.
    """
    plain: dict[str, object] = {}
    for key, value in values.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            plain[name] = value if _is_text(name) else _parsed(value)
    hidden = frozenset(key.removeprefix(PREFIX) for key in encrypted if key.startswith(PREFIX))
    return StackConfig(f"Pulumi.{stack}.yaml", plain, stack=stack, encrypted=hidden)


def _is_text(name: str) -> bool:
    return name in ("context", "kubeconfig", "jobTimeout", "platform")


def _parsed(value: str) -> object:
    try:
        return cast(object, json.loads(value))
    except json.JSONDecodeError:
        return cast(object, yaml.safe_load(value)) if value in ("true", "false") else value
