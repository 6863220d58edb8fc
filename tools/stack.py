"""A stack as the tools see it: its settings, and the copy of its file that an engine may write to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import yaml

from local.tool import state
from settings import stack_file
from settings.merge import merge_mappings
from settings.platform import Platform, load
from settings.problems import ProblemsError
from settings.stack_file import PREFIX, laid_over, read_config
from tools.run import ROOT, FailedError

_ENGINE_KEYS = ("encryptionsalt", "secretsprovider", "encryptedkey")


@dataclass(frozen=True)
class Stack:
    """One stack, checked.

    Attributes:
        name: of the stack.
        config_file: the copy in the state folder. A passphrase's salt goes there; files in git stay as they are.
        platform: what it declares.
    """

    name: str
    config_file: Path
    platform: Platform

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
        FailedError: with every problem of the configuration.
    """
    try:
        config = read_config(ROOT, name)
        if isinstance(layer, Path):
            config = laid_over(config, layer)
        elif layer:
            config = replace(config, values=merge_mappings(config.values, layer))
        copy = state() / "config" / f"Pulumi.{name}.yaml"
        _write_copy(ROOT / f"Pulumi.{name}.yaml", copy, config.values)
        return Stack(name, copy, load(ROOT, config))
    except ProblemsError as error:
        raise FailedError(f"{len(error.problems)} problem(s) in the configuration:\n{error}") from None


def hand_over(stack: Stack, key: str, value: object) -> None:
    """Writes one more key into the copy of a stack's file: for the engine, until the stack is prepared again."""
    content = cast(dict[str, dict[str, object]], yaml.safe_load(stack.config_file.read_text()))
    content["config"][f"{PREFIX}{key}"] = value
    _replace(stack.config_file, content)


def _write_copy(tracked: Path, copy: Path, values: Mapping[str, object]) -> None:
    content = cast(dict[str, object], yaml.safe_load(tracked.read_text()) or {})
    earlier = cast(dict[str, object], yaml.safe_load(copy.read_text()) or {}) if copy.exists() else {}
    others = cast(dict[str, object], content.get("config") or {})
    content["config"] = {
        **{key: value for key, value in others.items() if ":" in key and not key.startswith(PREFIX)},
        **{f"{PREFIX}{key}": value for key, value in values.items()},
    }
    for key in _ENGINE_KEYS:
        if key in earlier:
            content.setdefault(key, earlier[key])
    copy.parent.mkdir(parents=True, exist_ok=True)
    _replace(copy, content)


def _replace(copy: Path, content: object) -> None:
    part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    part.replace(copy)


def read_layer(path: Path | None) -> dict[str, object]:
    """A file of config without prefix, to be laid over a stack's: `LAYER=file` of the Make targets.

    Raises:
        FailedError: when the file is no mapping.
    """
    if path is None:
        return {}
    try:
        return cast(dict[str, object], stack_file.read_layer(path).value)
    except ProblemsError as error:
        raise FailedError(str(error)) from None
