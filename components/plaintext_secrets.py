"""Secrets that stand in clear in what users wrote, marked for the engine: it shows none and encrypts them in its state.

A stack that is `strict` has none: the check refuses them.
"""

from __future__ import annotations

import pulumi

from flink_k8s.config.secret_text import masked, side_by_side


def guarded(value: object) -> object:
    """The value with a secret output in the place of each text that looks like a secret; the value itself without any.

    Args:
        value: of a manifest or of a chart: texts, numbers, lists and mappings.
    """
    shown = masked("", value)
    return value if shown == value else side_by_side(value, shown, _marked)


def _marked(value: object, shown: object) -> object:
    return value if value == shown else pulumi.Output.secret(value)
