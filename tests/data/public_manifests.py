"""Job files in the style of public ones: tests/data/manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flink_k8s.facts.mappings import mapping

FOLDER = Path(__file__).parent / "manifests"


@dataclass(frozen=True)
class Manifest:
    """A job file.

    Attributes:
        name: of the manifest.
        text: of the file.
        stack: stack config that the manifest requires.
    """

    name: str
    text: str
    stack: dict[str, Any]

    @property
    def lines(self) -> int:
        """Number of lines in the stack file: one for each value."""
        return _leaves(self.stack) if self.stack else 0


def _leaves(value: object) -> int:
    return sum(map(_leaves, mapping(value).values())) or 1


def manifests() -> Iterator[Manifest]:
    """The manifests of tests/data/manifests: each begins with `# manifest: name`, and perhaps `# stack: {…}`."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for part in re.split(r"^# manifest: ", path.read_text(), flags=re.MULTILINE)[1:]:
            name, _, text = part.partition("\n")
            stack = re.match(r"# stack: (.*)\n", text)
            yield Manifest(name, text, yaml.safe_load(stack[1]) if stack else {})
