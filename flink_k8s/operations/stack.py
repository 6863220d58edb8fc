"""A stack as the tools see it: its settings, and the copy of its file that an engine may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import yaml

from flink_k8s.checks.load import load
from flink_k8s.config import stack_file
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.stack_file import PREFIX, laid_over, read_config
from flink_k8s.operations import run_folder
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.support.paths import ROOT


@dataclass(frozen=True)
class Stack:
    """One stack, checked.

    Attributes:
        name: of the stack.
        config_file: the copy, this run's own. A passphrase's salt goes there; files in git stay as they are.
        platform: what it declares.
    """

    name: str
    config_file: Path
    platform: DeclaredStack

    @property
    def context(self) -> str:
        """Its kube-context."""
        return self.platform.settings.context

    @property
    def kubeconfig(self) -> Path | None:
        """File of the context, None for the usual place."""
        said = self.platform.settings.kubeconfig
        return None if said is None else ROOT / said


def prepare(name: str, layer: Mapping[str, object] | Path | None = None) -> Stack:
    """Checks a stack and writes the copy of its file.

    Args:
        name: of the stack.
        layer: config merged over the file's, by key without prefix, or a file of it.

    Raises:
        ProblemsError: with every problem of the configuration.
    """
    config = read_config(ROOT, name)
    if isinstance(layer, Path):
        config = laid_over(config, layer)
    elif layer:
        config = replace(config, values=merge_mappings(config.values, layer))
    copy = run_folder.run_folder() / f"Pulumi.{name}.yaml"
    _write_copy(name, copy, config.values)
    return Stack(name, copy, load(ROOT, config))


def hand_over(stack: Stack, key: str, value: object) -> None:
    """Writes one more key into the copy of a stack's file: for the engine, until the stack is prepared again."""
    content = cast(dict[str, dict[str, object]], yaml.safe_load(stack.config_file.read_text()))
    content["config"][f"{PREFIX}{key}"] = value
    run_folder.write(stack.config_file, content)


def salted(stack: Stack) -> None:
    """Writes into the copy what the command has written of the stack until now; what the copy says itself stays."""
    content = cast(dict[str, object], yaml.safe_load(stack.config_file.read_text()))
    run_folder.write(stack.config_file, {**run_folder.kept(stack.name), **content})


def _write_copy(name: str, copy: Path, values: Mapping[str, object]) -> None:
    content = cast(dict[str, object], yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text()) or {})
    others = cast(dict[str, object], content.get("config") or {})
    content["config"] = {
        **{key: value for key, value in others.items() if ":" in key and not key.startswith(PREFIX)},
        **{f"{PREFIX}{key}": value for key, value in values.items()},
    }
    run_folder.write(copy, {**run_folder.kept(name), **content})


def read_layer(path: Path | None) -> dict[str, object]:
    """A file of config without prefix, to be laid over a stack's: `LAYER=file` of the Make targets.

    Raises:
        ProblemsError: if the file is not a mapping.
    """
    return {} if path is None else cast(dict[str, object], stack_file.read_layer(path).value)
