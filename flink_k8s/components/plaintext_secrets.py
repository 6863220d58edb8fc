"""Convert plaintext secrets in manifests and values of users to secret outputs: the engine hides and encrypts them.

In a `strict` stack there are none: the checks refuse them.
"""

from __future__ import annotations

import pulumi

from flink_k8s.config.secret_text import masked, side_by_side


def with_secret_outputs(value: object) -> object:
    """The value with each text that looks like a secret replaced by a secret output; the same value if there is none.

    Args:
        value: of a manifest or of chart values: texts, numbers, lists and mappings.
    """
    masked_value = masked("", value)
    return value if masked_value == value else side_by_side(value, masked_value, _as_secret)


def _as_secret(value: object, masked_value: object) -> object:
    return value if value == masked_value else pulumi.Output.secret(value)
