"""Misspelt fields and values of a wrong type, by the tables from the operator's CRDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from flink_k8s.config.findings import Say
from flink_k8s.config.problems import KeyPath, nearest, similar
from flink_k8s.config.secret_text import masked
from flink_k8s.facts import tables, versions
from flink_k8s.facts.units import quantity

Written = Callable[[KeyPath], str | None]
"""The text in the file at a path where YAML reads something that looks otherwise (`no` for false)."""


def look(kind: str, spec: Mapping[str, object], operator: str, written: Written, say: Say) -> list[KeyPath]:
    """Compares a spec with the fields that the operator version knows.

    As strict as an API server with the same CRDs: a number is no text, and text is no number. Of an operator version
    without a table only the types of the fields that the default version has are compared.

    Args:
        kind: of the resource.
        spec: its spec.
        operator: version of the operator.
        written: for values that YAML changed.
        say: takes what is found.

    Returns:
        Paths of the refused values; no other rule can use what is there.
    """
    known = tables.fields(operator)
    table = known or tables.fields(versions.OPERATOR.version)
    if table is None:
        return []
    if kind not in table.kinds:
        if known is not None:
            message = f"is {kind}, which operator {operator} does not have; {nearest(kind, list(table.kinds))}"
            say("field", ("kind",), message)
        return []
    looking = _Look(table, operator, written, say, types_only=known is None)
    looking.value(table.kinds[kind], spec, ("spec",))
    return looking.refused


_METADATA: Mapping[str, Any] = {
    "fields": {
        "annotations": {"map": "string"},
        "creationTimestamp": "any",
        "deletionGracePeriodSeconds": "integer",
        "deletionTimestamp": "any",
        "finalizers": {"list": "string"},
        "generateName": "string",
        "generation": "integer",
        "labels": {"map": "string"},
        "managedFields": {"list": "any"},
        "name": "string",
        "namespace": "string",
        "ownerReferences": {"list": "any"},
        "resourceVersion": "string",
        "selfLink": "string",
        "uid": "string",
    }
}
_TOP = {"apiVersion": "string", "kind": "string", "metadata": {"ref": "metadata"}}
_TEXTS = {"map": "string"}
_OBJECTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("v1", "ConfigMap"): {"data": _TEXTS, "binaryData": _TEXTS, "immutable": "boolean"},
    ("v1", "Secret"): {"data": _TEXTS, "stringData": _TEXTS, "type": "string", "immutable": "boolean"},
    ("v1", "PersistentVolumeClaim"): {"spec": {"map": "any"}, "status": "any"},
    ("v1", "ServiceAccount"): {
        "automountServiceAccountToken": "boolean",
        "imagePullSecrets": {"list": {"map": "string"}},
        "secrets": {"list": "any"},
    },
    **{
        ("flink.apache.org/v1beta1", kind): {"spec": "any", "status": "any"}
        for kind in ("FlinkDeployment", "FlinkSessionJob", "FlinkStateSnapshot", "FlinkBlueGreenDeployment")
    },
}
"""Fields of objects next to their metadata, by apiVersion and kind; of other kinds the metadata alone is compared."""


def look_at_object(manifest: Mapping[str, object], written: Written, say: Say) -> None:
    """Compares an object's metadata, and the fields around it where the kind is known, with Kubernetes' own.

    Args:
        manifest: as its file has it.
        written: for values that YAML changed.
        say: takes what is found.
    """
    types = {"metadata": _METADATA}
    looking = _Look(tables.Fields({}, types), "", written, say, types_only=False)
    fields = _OBJECTS.get((str(manifest.get("apiVersion")), str(manifest.get("kind"))))
    if fields is None:
        looking.value({"ref": "metadata"}, manifest.get("metadata"), ("metadata",))
    else:
        types["object"] = {"fields": {**_TOP, **fields}}
        looking.value({"ref": "object"}, manifest, ())


def without(value: object, paths: Iterable[KeyPath]) -> object:
    """A copy of the value without what is at those paths; an item of a list becomes null: others keep their place."""
    tree: dict[str | int, Any] = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[_ALL] = True
    return _without(value, tree)


_ALL = ""
"""Key of a branch of the tree of paths that is taken away whole; a field cannot have an empty name here."""


def _without(value: object, tree: Mapping[str | int, Any]) -> object:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {
            key: _without(item, tree[key]) if key in tree else item
            for key, item in fields.items()
            if key == _ALL or key not in tree or _ALL not in tree[key]
        }
    if isinstance(value, list):
        items = enumerate(cast(list[object], value))
        return [None if _ALL in tree.get(i, {}) else _without(item, tree.get(i, {})) for i, item in items]
    return value


class _Look:
    def __init__(self, table: tables.Fields, operator: str, written: Written, say: Say, *, types_only: bool) -> None:
        self.refused: list[KeyPath] = []
        self._types_only = types_only
        self._table = table
        self._operator = operator
        self._written = written
        self._say = say

    def value(self, kind: Any, value: object, path: KeyPath) -> None:
        if value is None or kind == "any":
            return
        if isinstance(kind, str):
            self._scalar(kind, value, path)
        elif "ref" in kind:
            self._fields(self._table.types[kind["ref"]], value, path)
        elif "enum" in kind:
            if isinstance(value, dict | list):
                self._wrong(cast(object, value), path, nearest("", [str(known) for known in kind["enum"]]))
            elif value not in kind["enum"] and not self._types_only:
                self._wrong(value, path, nearest(str(value), [str(known) for known in kind["enum"]]))
        elif "list" in kind:
            if isinstance(value, list):
                for index, item in enumerate(cast(list[object], value)):
                    self.value(kind["list"], item, (*path, index))
            else:
                self._wrong(value, path, "write a list")
        elif not isinstance(value, dict):
            self._wrong(value, path, "write a mapping")
        else:
            for key, item in cast(dict[str, object], value).items():
                self.value(kind.get("map", "any"), item, (*path, key))

    def _fields(self, kind: Mapping[str, Any], value: object, path: KeyPath) -> None:
        if not isinstance(value, dict):
            self._wrong(value, path, "write a mapping")
            return
        fields = cast(Mapping[str, Any], kind["fields"])
        given = cast(dict[str, object], value)
        meant: set[str] = set()
        for key, item in given.items():
            if key in fields:
                self.value(fields[key], item, (*path, key))
                continue
            if (field := similar(key, list(fields))) is not None and field not in given:
                meant.add(field)  # which is not missing, but misspelt
                self.refused.append((*path, field))
            if not self._types_only:
                self._refuse((*path, key), f"is unknown; {self._cure(key, list(fields))}")
        for key in kind.get("required", ()):
            if given.get(key) is None and key not in meant and not self._types_only:
                self._refuse((*path, key), "is missing; Kubernetes refuses the object without it")

    def _cure(self, key: str, known: Sequence[str]) -> str:
        newer = {"resources": "1.16", "autoscalerResetNonce": "1.11", "savepointRedeployNonce": "1.8"}
        if key in newer:
            instead = "; write resource: {memory, cpu}" if key == "resources" else ""
            return f"operators have it from {newer[key]} on and this is {self._operator}{instead}"
        return nearest(key, known)

    def _scalar(self, kind: str, value: object, path: KeyPath) -> None:
        odd = self._written(path)
        if kind == "string":
            if odd is not None and path[:1] not in (("data",), ("stringData",)):
                self._refuse(path, f'is {odd}, which YAML reads as {_shown(path, value)}; quote it: "{odd}"')
            elif isinstance(value, dict | list):
                self._wrong(cast(object, value), path, "write text")
            elif not isinstance(value, str):
                self._wrong(value, path, _quoted(value, path))
        elif kind == "boolean":
            if not isinstance(value, bool):
                self._wrong(value, path, "write true or false")
        elif kind == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                self._wrong(value, path, "write a whole number, without quotes")
            elif abs(value) >= 2**63 or (path[-1] in _JAVA_INTS and abs(value) >= 2**31):
                self._refuse(path, f"is a number of {len(str(value))} digits, which is too large; write a smaller one")
        elif kind == "number":
            if not isinstance(value, int | float) or isinstance(value, bool):
                self._wrong(value, path, "write a number, without quotes")
        elif kind == "int-or-string" and (
            not isinstance(value, int | str) or isinstance(value, bool) or _is_bad_quantity(value, path)
        ):
            self._wrong(value, path, 'write a whole number or text such as "500m"')

    def _wrong(self, value: object, path: KeyPath, cure: str) -> None:
        self._refuse(path, f"is {_shown(path, value)}, which is wrong here; {cure}")

    def _refuse(self, path: KeyPath, message: str) -> None:
        self.refused.append(path)
        self._say("field", path, message)


def _quoted(value: object, path: KeyPath) -> str:
    if path[:1] in (("data",), ("stringData",)):
        return "quote it"
    if path[-2:] == ("resource", "memory"):
        return f'write it like "{value}m"'  # quoted alone it would be bytes
    return "quote it" if _is_unnamed(value, path) else f'quote it: "{_shown(path, value)}"'


_JAVA_INTS = ("parallelism", "replicas")


def _is_bad_quantity(value: object, path: KeyPath) -> bool:
    if len(path) < 2 or path[-2] not in ("requests", "limits") or path[-1] in ("memory", "cpu", "ephemeral-storage"):
        return False  # ports and the like; the three above are the memory rules'
    try:
        quantity(str(value))
    except ValueError:
        return True
    return False


def _is_unnamed(value: object, path: KeyPath) -> bool:
    """Whether it is a number that may be a password: a variable's value or an argument, whose name stands elsewhere."""
    return isinstance(value, int) and not isinstance(value, bool) and (path[-1] == "value" or isinstance(path[-1], int))


def _shown(path: KeyPath, value: object) -> str:
    if path[:1] in (("data",), ("stringData",)) and isinstance(value, int | float):
        return "a number or a boolean"  # which may be a password
    if _is_unnamed(value, path):
        return "a number"
    value = masked(str(path[-1]), value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f'"{value}"' if isinstance(value, str) else str(value)
