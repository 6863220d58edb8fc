"""Secrets that stand in clear in what users wrote, marked for the engine: it shows none and encrypts them in its state.

A stack that is `strict` has none: the check refuses them.
"""

from __future__ import annotations

from typing import cast

import pulumi

from settings.secret_text import masked


def guarded(value: object) -> object:
    """The value with a secret output in the place of each text that looks like a secret; the value itself without any.

    Args:
        value: of a manifest or of a chart: texts, numbers, lists and mappings.
    """
    shown = masked("", value)
    return value if shown == value else _marked(value, shown)


def _marked(value: object, shown: object) -> object:
    """
    Args:
        value: as it is.
        shown: the same with other texts where it has secrets.
    """
    if isinstance(value, dict):
        others = cast("dict[str, object]", shown)
        return {key: _marked(item, others[key]) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        pairs = zip(cast("list[object]", value), cast("list[object]", shown), strict=True)
        return [_marked(item, other) for item, other in pairs]
    return value if value == shown else pulumi.Output.secret(value)
