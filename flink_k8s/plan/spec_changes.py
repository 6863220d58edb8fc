"""The operator's comparison of two specs: each field that differs, and the operator's reaction.

It mirrors the operator's ReflectiveDiffBuilder with the annotations of its API classes, which are in
flink_k8s/facts/tables/spec-changes-*.json. tests/e2e/test_spec_change_agreement.py compares it with the operator's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from flink_k8s.facts import tables
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.plan.steps import Hidden
from flink_k8s.resolve.job_spec import flat_configuration


class Diff(IntEnum):
    """The operator's DiffType: the greatest one of a spec's changes determines the reaction."""

    IGNORE = 0
    SCALE = 1
    UPGRADE = 2
    SAVEPOINT_REDEPLOY = 3


@dataclass(frozen=True)
class Change:
    """A value that differs.

    Attributes:
        path: in the spec; a configuration key is one part.
        old: value before; None for none.
        new: value after; None for none.
        diff: the operator's reaction.
        names: the variable or flag that the old and the new value belong to; empty if it is the field.
    """

    path: tuple[str, ...]
    old: object
    new: object
    diff: Diff
    names: tuple[str, str] = ("", "")

    @property
    def field(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


_EMPTY_IS_NONE = frozenset({"podTemplate", "resources"})
"""Fields with Kubernetes' own classes, in which an empty list or map equals none."""

_QUANTITIES = frozenset({"requests", "limits", "sizeLimit", "divisor"})

_CONFIGURATION = "flinkConfiguration"


def compare(
    kind: str, old: Mapping[str, object], new: Mapping[str, object], operator: str, mode: str = "native"
) -> list[Change]:
    """Every change between two specs, in the order of the fields' names.

    Args:
        kind: FlinkDeployment or FlinkSessionJob.
        old: the spec in the cluster.
        new: the declared spec.
        operator: version of the operator.
        mode: deployment mode of the cluster that the job runs in.
    """
    annotated = tables.spec_changes(operator)[kind]
    fields = tables.fields(operator)
    types = _Types(fields, annotated.get("podTemplate", {}))
    spec = fields.kinds.get(kind)
    return list(_compare((), annotated, types, spec, flat_configuration(old), flat_configuration(new), mode))


def aggregate(changes: list[Change]) -> Diff:
    """The operator's reaction to all changes."""
    return max((change.diff for change in changes), default=Diff.IGNORE)


def differences(old: Mapping[str, object], new: Mapping[str, object], diff: Diff) -> list[Change]:
    """The fields in which two mappings differ, all with the same reaction."""
    return list(_leaves((), dict(old), dict(new), diff))


@dataclass(frozen=True)
class _Types:
    """The types of the fields.

    Attributes:
        table: of all types.
        pod_template: rules for the spec's pod template; they apply to nested pod templates too.
    """

    table: tables.Fields
    pod_template: Mapping[str, Any]

    def fields_of(self, type_: object) -> Mapping[str, Any]:
        """The types of an object's fields."""
        type_fields = mapping(type_)
        if "ref" not in type_fields:
            return {}
        return cast(Mapping[str, Any], self.table.types[str(type_fields["ref"])].get("fields") or {})

    def normalized(
        self, value: object, type_: object, name: str, rules: Mapping[str, Any], *, loose: bool = False
    ) -> object:
        """The value as the operator's Java objects represent it: values that they do not distinguish are equal.

        Args:
            value: any.
            type_: of the value.
            name: of the field.
            rules: for the field.
            loose: whether the field belongs to one of Kubernetes' classes.
        """
        type_fields, loose = mapping(type_), loose or name in _EMPTY_IS_NONE
        if isinstance(value, dict):
            inner, rules = self.fields_of(type_), self.pod_template if name == "podTemplate" else rules
            items = {**rules.get("defaults", {}), **cast(dict[str, object], value)}
            normalized = {
                key: self.normalized(
                    item, inner.get(key, type_fields.get("map")), name if "map" in type_fields else key, {}, loose=loose
                )
                for key, item in items.items()
                if "known" not in rules or key in rules["known"]
            }
            normalized = {key: item for key, item in normalized.items() if item is not None}
            return None if loose and "map" in type_fields and not normalized else normalized
        if isinstance(value, list):
            listed = [
                self.normalized(item, type_fields.get("list"), name, {}, loose=loose)
                for item in cast(list[object], value)
            ]
            return None if not listed and (loose or name == "args") else listed
        if name in _QUANTITIES and loose and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            try:
                return quantity(str(value))
            except ValueError:
                return value
        return value


def _compare(
    at: tuple[str, ...],
    annotated: Mapping[str, Any],
    types: _Types,
    type_: object,
    old: Mapping[str, object],
    new: Mapping[str, object],
    mode: str,
) -> Iterator[Change]:
    inner = types.fields_of(type_)
    for field in sorted({*old, *new} & annotated.keys()):
        rules = cast(Mapping[str, Any], annotated[field])
        if "prefixes" in rules:
            yield from _configuration((*at, field), rules, mapping(old.get(field)), mapping(new.get(field)), mode)
            continue
        before, after = (types.normalized(spec.get(field), inner.get(field), field, rules) for spec in (old, new))
        before = rules.get("default") if before is None else before
        after = rules.get("default") if after is None else after
        if "fields" in rules and before is not None and after is not None:
            left, right = mapping(before), mapping(after)
            yield from _compare((*at, field), rules["fields"], types, inner.get(field), left, right, mode)
            continue
        if rules.get("ignoreNull") and after is None:
            continue
        diff = Diff[rules.get("diff", "UPGRADE")]
        if rules.get("modes") and mode not in rules["modes"]:
            diff = Diff.UPGRADE
        yield from _leaves((*at, field), before, after, diff)


def _configuration(
    at: tuple[str, ...], rules: Mapping[str, Any], old: Mapping[str, object], new: Mapping[str, object], mode: str
) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        before, after = _text(old.get(key)), _text(new.get(key))
        if before != after:
            yield Change((*at, key), before, after, _of_key(rules, key, mode))


def _of_key(rules: Mapping[str, Any], key: str, mode: str) -> Diff:
    for prefix, diff, modes in rules["prefixes"]:
        if key.startswith(prefix) and (not modes or mode in modes):
            return Diff[diff]
    return Diff.UPGRADE


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, Hidden) else str(value)


def _leaves(
    at: tuple[str, ...], old: object, new: object, diff: Diff, names: tuple[str, str] = ("", "")
) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast(dict[str, object], old), cast(dict[str, object], new)
        named = (str(before.get("name") or ""), str(after.get("name") or ""))
        for key in sorted({*before, *after}):
            own = named if key == "value" else ("", "")
            yield from _leaves((*at, key), before.get(key), after.get(key), diff, own)
        return
    if isinstance(old, list) and isinstance(new, list):
        before, after = cast(list[object], old), cast(list[object], new)
        if len(before) == len(after):
            for index, (left, right) in enumerate(zip(before, after, strict=True)):
                flags = (_flag(before, index), _flag(after, index))
                yield from _leaves((*at, str(index)), left, right, diff, flags)
            return
    # True equals 1 in Python, but not in the API.
    if old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(at, cast(object, old), cast(object, new), diff, names)


def _flag(arguments: list[object], index: int) -> str:
    """The flag whose value the argument is, or the flag in the argument itself."""
    before = str(arguments[index - 1]) if index else ""
    own = str(arguments[index])
    return own.partition("=")[0] if own.startswith("-") else before if before.startswith("-") else ""
