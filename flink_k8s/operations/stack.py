"""A stack for the commands: its checked configuration, and a copy of its file that the engine may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import yaml

from flink_k8s.checks.load import load
from flink_k8s.config import stack_file
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, UNREAD_CONTEXT, read_config, with_overlay
from flink_k8s.operations import run_folder
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.support.paths import ROOT

_ENVIRONMENT_REMEDY = "set it in the file, or in an overlay (LAYER=file), or use plain pulumi (docs/environments.md)"


@dataclass(frozen=True)
class Stack:
    """A checked stack.

    Attributes:
        name: of the stack.
        config_file: this run's copy of the stack file. The engine writes a salt to it; files in git are not changed.
        platform: everything that the stack declares.
    """

    name: str
    config_file: Path
    platform: DeclaredStack

    @property
    def context(self) -> str:
        """The kube-context."""
        return self.platform.settings.context

    @property
    def kubeconfig(self) -> Path | None:
        """The file of the context; None for kubectl's default."""
        path = self.platform.settings.kubeconfig
        return None if path is None else ROOT / path


def prepare(name: str, overlay: Mapping[str, object] | Path | None = None) -> Stack:
    """Check a stack and write the copy of its file.

    Args:
        name: of the stack.
        overlay: config that is merged over the file's config, by key without prefix, or a file with such config.

    Raises:
        ProblemsError: with all problems of the configuration.
    """
    config = read_config(ROOT, name)
    if isinstance(overlay, Path):
        config = with_overlay(config, overlay)
    elif overlay:
        config = replace(config, values=merge_mappings(config.values, overlay))
    if config.values.get("context") == UNREAD_CONTEXT:
        message = f"is not in the file, and only the engine opens the environment; {_ENVIRONMENT_REMEDY}"
        raise ProblemsError([config.problem(("context",), message)])
    copy = run_folder.run_folder() / f"Pulumi.{name}.yaml"
    _write_copy(ROOT / copy.name, name, copy, config.values)
    return Stack(name, copy, load(ROOT, config))


def temporary_stack(stack: Stack, name: str, overlay: Mapping[str, object]) -> Stack:
    """A stack without a file of its own, with the config of another stack.

    Args:
        stack: the other stack.
        name: of the temporary stack.
        overlay: config that is merged over that of the other stack, by key without prefix.

    Raises:
        ProblemsError: with all problems of the configuration.
    """
    values = merge_mappings(read_config(ROOT, stack.name, stack.config_file).values, overlay)
    copy = stack.config_file.with_name(f"Pulumi.{name}.yaml")
    _write_copy(stack.config_file, name, copy, values)
    return Stack(name, copy, load(ROOT, read_config(ROOT, name, copy)))


def set_config(stack: Stack, key: str, value: object) -> None:
    """Write a key into the copy of a stack's file; the copy keeps it until the stack is prepared again."""
    content = cast(dict[str, dict[str, object]], yaml.safe_load(stack.config_file.read_text()))
    content["config"][f"{PREFIX}{key}"] = value
    run_folder.write(stack.config_file, content)


def copy_salt(stack: Stack) -> None:
    """Add the keys that the command has written for the stack to the copy; existing keys of the copy stay."""
    content = cast(dict[str, object], yaml.safe_load(stack.config_file.read_text()))
    run_folder.write(stack.config_file, {**run_folder.kept(stack.name), **content})


def _write_copy(source: Path, name: str, copy: Path, values: Mapping[str, object]) -> None:
    content = cast(dict[str, object], yaml.safe_load(source.read_text()) or {})
    others = cast(dict[str, object], content.get("config") or {})
    content["config"] = {
        **{key: value for key, value in others.items() if ":" in key and not key.startswith(PREFIX)},
        **{f"{PREFIX}{key}": value for key, value in values.items()},
    }
    run_folder.write(copy, {**run_folder.kept(name), **content})


def read_overlay(path: Path | None) -> dict[str, object]:
    """A file with config without prefix, to merge over a stack's config: `LAYER=file` of the Make targets.

    Raises:
        ProblemsError: if the file is not a mapping.
    """
    return {} if path is None else cast(dict[str, object], stack_file.read_overlay(path).value)
