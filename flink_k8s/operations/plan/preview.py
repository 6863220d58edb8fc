"""Reads the engine's preview, `pulumi preview --json --show-sames`: what each resource was and what it gets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.support.errors import CommandError


class Operation(Enum):
    """What the engine does to a resource."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Hidden:
    """A value that the engine does not show: a secret, or one that is not known before `up`.

    Attributes:
        what: in words.
    """

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class Step:
    """One resource.

    Attributes:
        operation: what happens to it.
        urn: its name in the engine.
        old: its inputs in the state, None when it is new.
        new: its inputs now, None when it goes.
        protected: whether the engine refuses to delete or replace it: a program may take the protection off and replace
            at once, but what is no longer declared keeps it.
        replaced_for: the inputs that make the engine replace it.
        retained: whether it stays in the cluster when the engine lets go of it.
    """

    operation: Operation
    urn: str
    old: Mapping[str, object] | None
    new: Mapping[str, object] | None
    protected: bool = False
    replaced_for: tuple[str, ...] = ()
    retained: bool = False

    @property
    def type(self) -> str:
        """`kubernetes:core/v1:ConfigMap`, without the types of its parents."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def kind(self) -> str:
        """`ConfigMap`."""
        return self.type.rpartition(":")[2]

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True)
class Preview:
    """A whole preview.

    Attributes:
        steps: of all resources, in the engine's order; without components.
        errors: what the engine says is wrong, without colours.
    """

    steps: tuple[Step, ...]
    errors: tuple[str, ...] = ()


_OPERATIONS = {
    "same": Operation.SAME,
    "read": Operation.SAME,
    "refresh": Operation.SAME,
    "create": Operation.CREATE,
    "import": Operation.CREATE,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
}

_SECRET = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi marks an encrypted value (and other values that are no plain data)."""

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi writes for a value that is not known before `up`."""

_URN = re.compile(r"urn:.*?::.*?::.*?::.*", re.DOTALL)
"""Of stack, project, types and name."""

_HOW = "write it with `pulumi preview --json --show-sames`"

SECRET = Hidden("[secret]")
CHANGED_SECRET = Hidden("[another secret]")
UNKNOWN = Hidden("[known after up]")


def parse(text: str, name: str = "the preview") -> Preview:
    """The preview in the engine's JSON.

    Args:
        text: the JSON.
        name: of the preview, for errors.

    Raises:
        CommandError: if it is not a preview.
    """
    try:
        read: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"{name} is not JSON ({error}); {_HOW}") from None
    if not isinstance(read, dict) or not isinstance(read.get("steps", []), list):
        raise CommandError(f"{name} is not a preview; {_HOW}")
    content = cast(dict[str, Any], read)
    steps: dict[str, Step] = {}
    for said in listed(content.get("steps")):
        step = _step(mapping(said), name)
        if step is not None:
            steps[step.urn] = _joined(steps.get(step.urn), step)
    errors = tuple(
        str(mapping(one).get("message", "")).strip()
        for one in listed(content.get("diagnostics"))
        if mapping(one).get("severity") == "error"
    )
    return Preview(tuple(steps.values()), errors)


def _step(said: Mapping[str, object], name: str) -> Step | None:
    operation = _OPERATIONS.get(str(said.get("op")))
    if operation is None:
        return None
    old, new = mapping(said.get("oldState")), mapping(said.get("newState"))
    if (new or old).get("custom") is False:
        return None  # a component, or the stack: nothing but a name for what is in it
    urn = said.get("urn")
    if not isinstance(urn, str) or not _URN.fullmatch(urn) or not (old or new):
        raise CommandError(
            f"{name} is not a preview: a step has no URN, or no state before or after it ({urn}); {_HOW}"
        )
    changed = mapping(said.get("detailedDiff"))
    return Step(
        operation,
        urn,
        _inputs(old, ()) if old else None,
        _inputs(new, tuple(changed)) if new and operation is not Operation.DELETE else None,
        bool((old if operation is Operation.DELETE or not new else new).get("protect")),
        tuple(map(str, listed(said.get("replaceReasons")))),
        bool(old.get("retainOnDelete")),
    )


def _joined(earlier: Step | None, step: Step) -> Step:
    """A replacement may come as several steps."""
    if earlier is None:
        return step
    return Step(
        Operation.REPLACE,
        step.urn,
        earlier.old if earlier.old is not None else step.old,
        step.new if step.new is not None else earlier.new,
        step.protected if step.new is not None else earlier.protected,
        earlier.replaced_for or step.replaced_for,
        earlier.retained or step.retained,
    )


def _inputs(state: Mapping[str, object], changed: tuple[str, ...]) -> Mapping[str, object]:
    return mapping(_plain(mapping(state.get("inputs")), "", changed))


def _plain(value: object, at: str, changed: tuple[str, ...]) -> object:
    if isinstance(value, dict):
        held = cast(dict[str, object], value)
        if _SECRET in held:
            return _secret(at, changed)
        return {key: _plain(item, _under(at, key), changed) for key, item in held.items()}
    if isinstance(value, list):
        return [_plain(item, f"{at}[{index}]", changed) for index, item in enumerate(cast(list[object], value))]
    if value == "[secret]":
        return _secret(at, changed)
    return UNKNOWN if value == _UNKNOWN else value


def _secret(at: str, changed: tuple[str, ...]) -> Hidden:
    """Two secrets look the same: whether one differs, the engine's own diff says."""
    differs = any(path == at or path.startswith((f"{at}.", f"{at}[")) or at.startswith(f"{path}.") for path in changed)
    return CHANGED_SECRET if differs else SECRET


def _under(at: str, key: str) -> str:
    """A path as the engine writes it: `a.b["c.d"][0]`."""
    if "." in key or "[" in key:
        return f'{at}["{key}"]'
    return f"{at}.{key}" if at else key
