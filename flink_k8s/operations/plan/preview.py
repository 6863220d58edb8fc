"""Parse the engine's preview, `pulumi preview --json --show-sames`: the old and new inputs of each resource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.plan.steps import (
    CHANGED_SECRET,
    SECRET,
    UNKNOWN,
    Hidden,
    Operation,
    Preview,
    Step,
    imported_inputs,
    revision_of,
)
from flink_k8s.support.errors import CommandError

_OPERATIONS = {
    "same": Operation.SAME,
    "read": Operation.SAME,
    "refresh": Operation.SAME,
    "create": Operation.CREATE,
    "import": Operation.SAME,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
}

_SECRET = "4dabf18193072939515e22adb298388d"
"""The key that marks encrypted and other special values in Pulumi's JSON."""

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi writes for a value that is known only after `up`."""

_URN = re.compile(r"urn:.*?::.*?::.*?::.*", re.DOTALL)
"""Of stack, project, types and name."""

_REMEDY = "create it with `pulumi preview --json --show-sames`"


def parse(text: str, name: str = "the preview") -> Preview:
    """Parse the engine's JSON.

    Args:
        text: the JSON.
        name: of the preview, for errors.

    Raises:
        CommandError: if it is not a preview.
    """
    try:
        read: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"{name} is not JSON ({error}); {_REMEDY}") from None
    if not isinstance(read, dict) or not isinstance(read.get("steps", []), list):
        raise CommandError(f"{name} is not a preview; {_REMEDY}")
    content = cast(dict[str, Any], read)
    steps: dict[str, Step] = {}
    imported: set[str] = set()
    for item in map(mapping, listed(content.get("steps"))):
        step = _step(item, name, is_imported=str(item.get("urn")) in imported)
        if item.get("op") == "import":
            imported.add(str(item.get("urn")))
        if step is not None:
            steps[step.urn] = _joined(steps.get(step.urn), step)
    errors = tuple(
        str(mapping(diagnostic).get("message", "")).strip()
        for diagnostic in listed(content.get("diagnostics"))
        if mapping(diagnostic).get("severity") == "error"
    )
    return Preview(tuple(steps.values()), errors)


def _step(step: Mapping[str, object], name: str, *, is_imported: bool) -> Step | None:
    operation = _OPERATIONS.get(str(step.get("op")))
    if operation is None:
        return None
    old, new = mapping(step.get("oldState")), mapping(step.get("newState"))
    if (new or old).get("custom") is False:
        return None  # a component, or the stack: it has no object in the cluster
    urn = step.get("urn")
    if not isinstance(urn, str) or not _URN.fullmatch(urn) or not (old or new):
        raise CommandError(
            f"{name} is not a preview: a step has no URN, or no state before or after it ({urn}); {_REMEDY}"
        )
    changed = mapping(step.get("detailedDiff"))
    new_inputs = _inputs(new, tuple(changed)) if new and operation is not Operation.DELETE else None
    old_inputs = _inputs(old, ()) if old else None
    if step.get("op") == "import":
        old_inputs = new_inputs
    elif is_imported:
        old_inputs = imported_inputs(mapping(_plain(mapping(old.get("outputs")), "", ())))
    return Step(
        operation,
        urn,
        old_inputs,
        new_inputs,
        bool((old if operation is Operation.DELETE or not new else new).get("protect")),
        tuple(map(str, listed(step.get("replaceReasons")))),
        bool(old.get("retainOnDelete")),
        revision_of(mapping(old.get("outputs"))),
    )


def _joined(earlier: Step | None, step: Step) -> Step:
    """Join the steps of a replacement. The step after an import is the change of the imported object."""
    if earlier is None or earlier.operation is Operation.SAME:
        return step
    return Step(
        Operation.REPLACE,
        step.urn,
        earlier.old if earlier.old is not None else step.old,
        step.new if step.new is not None else earlier.new,
        step.protected if step.new is not None else earlier.protected,
        earlier.replaced_for or step.replaced_for,
        earlier.retained or step.retained,
        earlier.revision if earlier.old is not None else step.revision,
    )


def _inputs(state: Mapping[str, object], changed: tuple[str, ...]) -> Mapping[str, object]:
    return mapping(_plain(mapping(state.get("inputs")), "", changed))


def _plain(value: object, at: str, changed: tuple[str, ...]) -> object:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        if _SECRET in fields:
            return _secret(at, changed)
        return {key: _plain(item, _child_path(at, key), changed) for key, item in fields.items()}
    if isinstance(value, list):
        return [_plain(item, f"{at}[{index}]", changed) for index, item in enumerate(cast(list[object], value))]
    if value == "[secret]":
        return _secret(at, changed)
    return UNKNOWN if value == _UNKNOWN else value


def _secret(at: str, changed: tuple[str, ...]) -> Hidden:
    """Whether a secret changes is only in the engine's own diff: all secrets look the same."""
    differs = any(path == at or path.startswith((f"{at}.", f"{at}[")) or at.startswith(f"{path}.") for path in changed)
    return CHANGED_SECRET if differs else SECRET


def _child_path(at: str, key: str) -> str:
    """A path in the engine's notation: `a.b["c.d"][0]`."""
    if "." in key or "[" in key:
        return f'{at}["{key}"]'
    return f"{at}.{key}" if at else key
