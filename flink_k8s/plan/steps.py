"""The steps of a preview: the old and new inputs of each resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from flink_k8s.config.live_objects import declared_part
from flink_k8s.facts.mappings import mapping


class Operation(Enum):
    """What the engine does to a resource."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Hidden:
    """A value that the engine does not show: a secret, or a value that is known only after `up`.

    Attributes:
        what: the text to print.
    """

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class Step:
    """The step of one resource.

    Attributes:
        operation: what happens to the resource.
        urn: of the resource.
        old: its inputs in the state; None if it is new.
        new: its declared inputs; None if it is deleted.
        protected: whether the engine refuses to delete or replace it: one change may remove the protection and replace
            the resource, but a resource that is no longer declared keeps its protection.
        replaced_for: the inputs that make the engine replace it.
        retained: whether it stays in the cluster after its deletion from the stack.
        revision: UID and generation of the deployed object, see `revision_of`; empty if it is not known.
    """

    operation: Operation
    urn: str
    old: Mapping[str, object] | None
    new: Mapping[str, object] | None
    protected: bool = False
    replaced_for: tuple[str, ...] = ()
    retained: bool = False
    revision: str = ""

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
    """The preview of a stack.

    Attributes:
        steps: of all resources, in the engine's order; without components.
        errors: of the engine, without colours.
    """

    steps: tuple[Step, ...]
    errors: tuple[str, ...] = ()


def revision_of(outputs: Mapping[str, object]) -> str:
    """UID and generation of a deployed object, from its outputs in the state: a later object has another one."""
    metadata = mapping(outputs.get("metadata"))
    return f"{metadata.get('uid', '')}/{metadata.get('generation', '')}"


def imported_inputs(outputs: Mapping[str, object]) -> Mapping[str, object]:
    """The inputs of an object that the engine has just imported, from its outputs.

    The engine's own inputs contain only kind and name of a custom resource, and metadata of controllers for others.
    """
    return declared_part({key: value for key, value in outputs.items() if not key.startswith("__")})


SECRET = Hidden("[secret]")
CHANGED_SECRET = Hidden("[changed secret]")
UNKNOWN = Hidden("[known after up]")
