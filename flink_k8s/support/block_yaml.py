"""Write YAML in block style that all parsers read the same way, and that is the same in every run."""

from __future__ import annotations

import re
from typing import Final

import yaml
from typing_extensions import override

# PyYAML implements YAML 1.1 differently: it reads these as text, but Go's parsers read numbers or booleans.
_QUOTED: Final = re.compile(
    r"[yYnN]|[-+]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+)|[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
)


_SafeDumper: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(_SafeDumper):
    @override
    def ignore_aliases(self, data: object) -> bool:
        """Write no anchors: the output would depend on which Python objects are shared."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    if len(lines) > 1 and not any(line.endswith(" ") for line in lines):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = "'" if text and _QUOTED.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def load(text: str) -> object:
    """The value of a document that `dump` has written."""
    return yaml.load(text, Loader=_SafeLoader)


def dump(value: object) -> str:
    """The value as one YAML document; the order of keys is kept."""
    return yaml.dump(
        value, Dumper=_Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=1_000_000
    )
