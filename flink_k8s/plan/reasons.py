"""The reasons of an outcome, as a plan and a refusal print them."""

from __future__ import annotations

import json
from typing import Literal

from flink_k8s.config.secret_text import masked
from flink_k8s.plan.effects import Outcome
from flink_k8s.plan.spec_changes import Change
from flink_k8s.plan.steps import Hidden

_LONGEST = 60
"""Characters of a value that a plan shows."""

_MOST = 12
"""Number of changed fields of a job that a plan shows; further fields are counted."""


def reasons_of(outcome: Outcome, most: int = _MOST) -> list[str]:
    """The loss, each changed field and each note, a line each; without secrets.

    Args:
        outcome: of a job.
        most: number of changed fields; further fields are counted.
    """
    shown = [f"{change.field}: {_value(change, 0)} -> {_value(change, 1)}" for change in outcome.changes]
    if len(shown) > most:
        shown[most:] = [f"and {len(shown) - most} more fields"]
    loss = [f"state loss: {outcome.loss}"] if outcome.loss else []
    return [*loss, *shown, *(f"note: {note}" for note in outcome.notes)]


def _value(change: Change, side: Literal[0, 1]) -> str:
    """The text of a change's value before (0) or after (1), without secrets."""
    value, name = (change.old, change.new)[side], change.names[side]
    if value is None:
        return "(none)"
    if isinstance(value, Hidden):
        return value.what
    shown = masked(name or change.path[-1], value)
    if isinstance(shown, str):
        text = " ".join(shown.split()) or '""'
    else:
        text = json.dumps(shown, default=str, separators=(",", ":"))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
