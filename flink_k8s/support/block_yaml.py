"""YAML in block style that every reader takes the same way, and that is the same from run to run."""

from __future__ import annotations

import re
from typing import Final

import yaml
from typing_extensions import override

# PyYAML follows YAML 1.1 in its own way. These are plain text to it, but numbers or booleans to Go's readers.
_QUOTED: Final = re.compile(
    r"[yYnN]|[-+]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+)|[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
)


class _Dumper(yaml.SafeDumper):
    @override
    def ignore_aliases(self, data: object) -> bool:
        """An anchor and its alias would make a file depend on which Python objects happen to be shared."""
        return True

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand further in than their key."""
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    if len(lines) > 1 and not any(line.endswith(" ") for line in lines):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = "'" if text and _QUOTED.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(value: object) -> str:
    """The value as one YAML document, keys in the order that they have."""
    return yaml.dump(
        value, Dumper=_Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=1_000_000
    )
