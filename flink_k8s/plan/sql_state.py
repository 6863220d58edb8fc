"""Whether the state of a SQL job fits its changed statements: a comparison of two plans of Flink's planner.

Flink finds the state of an operator by the operator's ID, which it derives from the position of the operator in the
job. The state itself is a row whose types follow from the query. The rules are measured: docs/adr/0012.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final, cast

from flink_k8s.facts.mappings import listed, mapping


class Fit(Enum):
    """Whether a savepoint fits; the value is the text in a plan."""

    KEEPS = "keeps state"
    LOSES = "state loss"
    UNKNOWN = "not known whether the state fits"


@dataclass(frozen=True)
class StateFit:
    """Whether the state of a job fits its changed statements, and why.

    Attributes:
        fit: the result.
        reason: of the result.
    """

    fit: Fit
    reason: str


@dataclass(frozen=True)
class Operator:
    """An operator of a planned job.

    Attributes:
        id: by which a savepoint contains its state.
        kind: `keyed` has state by key, `coordinated` has that of a source, `plain` may have other state.
        name: with the number of its node, `GroupAggregate[5]`.
    """

    id: str
    kind: str
    name: str

    @property
    def title(self) -> str:
        """The name without the number."""
        return _NUMBER.sub("", self.name)

    @property
    def number(self) -> int | None:
        """The number of its node; None if its name has none."""
        match = _NUMBER.search(self.name)
        return int(match[1]) if match else None

    @property
    def has_no_state(self) -> bool:
        """Whether an operator of this name never has state."""
        return self.kind == "plain" and self.title in _STATELESS


_NUMBER: Final = re.compile(r"\[(\d+)\]")

_STATELESS: Final = frozenset(
    {
        *("Calc", "ConstraintEnforcer", "Correlate", "DropUpdateBefore", "Expand", "LocalGroupAggregate"),
        *("LocalWindowAggregate", "MiniBatchAssigner", "StreamRecordTimestampInserter", "WatermarkAssigner"),
    }
)

_STATELESS_SINKS: Final = ("blackhole", "print")

_NAMES: Final = frozenset({"description", "id", "name"})
"""Fields of a node that change neither its operator nor its state."""

_OUTPUT: Final = frozenset({"generateUpdateBefore", "inputProperties", "outputType"})
"""Fields of a node about the rows that it reads and writes, which its state does not depend on."""

_ROW: Final = re.compile(r"`(?:[^`]|``)*` ")
"""The name of a column in the text of a row type."""


@dataclass(frozen=True)
class PlannedJob:
    """A job as Flink plans it.

    Attributes:
        operators: of the job.
        plan: the compiled plan as JSON; empty if Flink cannot compile it.
    """

    operators: Sequence[Operator] = ()
    plan: str = ""

    @cached_property
    def _nodes(self) -> Mapping[int, Mapping[str, object]]:
        """The nodes of the plan by the numbers in the names of operators, which continue those in the plan."""
        nodes = [mapping(node) for node in listed(mapping(json.loads(self.plan or "{}")).get("nodes"))]
        return {cast(int, node["id"]) + len(nodes): node for node in nodes}

    @cached_property
    def _sources(self) -> Mapping[int, list[int]]:
        """The numbers of the nodes before each node."""
        edges = [mapping(edge) for edge in listed(mapping(json.loads(self.plan or "{}")).get("edges"))]
        sources: dict[int, list[int]] = {}
        for edge in edges:
            target = cast(int, edge["target"]) + len(self._nodes)
            sources.setdefault(target, []).append(cast(int, edge["source"]) + len(self._nodes))
        return sources

    def node(self, operator: Operator) -> Mapping[str, object]:
        """The node of an operator; empty if it is not known."""
        return self._nodes.get(operator.number or 0, {})

    def inputs(self, operator: Operator) -> list[list[object]]:
        """The types of the columns that an operator reads, by input."""
        sources = self._sources.get(operator.number or 0, [])
        return [_columns(self._nodes[source].get("outputType")) for source in sources]

    def key(self, operator: Operator) -> list[object]:
        """The types of the columns that an aggregation groups by."""
        columns = [column for columns in self.inputs(operator)[:1] for column in columns]
        return [columns[index] for index in listed(self.node(operator).get("grouping")) if isinstance(index, int)]

    def may_have_state(self, operator: Operator) -> bool:
        """Whether an operator can have state."""
        if operator.has_no_state:
            return False
        return _option(self.node(operator), "dynamicTableSink", "connector") not in _STATELESS_SINKS or (
            operator.kind != "plain"
        )


def compare(old: PlannedJob, new: PlannedJob) -> StateFit:
    """Whether the state of the old job fits the new one."""
    if not old.plan or not new.plan:
        return StateFit(Fit.UNKNOWN, "Flink does not compile the plan of these statements")
    operators = {operator.id: operator for operator in new.operators}
    results = [
        _compare_operator(old, new, operator, operators.get(operator.id))
        for operator in old.operators
        if old.may_have_state(operator)
    ]
    for fit in (Fit.LOSES, Fit.UNKNOWN):
        if reasons := [result.reason for result in results if result.fit is fit]:
            return StateFit(fit, "; ".join(dict.fromkeys(reasons)))
    return StateFit(Fit.KEEPS, "the operators with state are the same")


def _compare_operator(old: PlannedJob, new: PlannedJob, before: Operator, after: Operator | None) -> StateFit:
    """Whether the state of an operator fits the operator with the same ID."""
    is_certain = before.kind != "plain"
    if after is None:
        reason = f"the changed queries have other operators, and none takes over the state of {before.title}"
        return StateFit(Fit.LOSES if is_certain else Fit.UNKNOWN, reason)
    if _without_table(before.title) != _without_table(after.title):
        reason = f"{after.title} takes the place of {before.title}, whose state it does not read"
        return StateFit(Fit.LOSES if is_certain else Fit.UNKNOWN, reason)
    if before.kind == "keyed":
        return _compare_keyed(old, new, before, after)
    return _compare_table(old.node(before), new.node(after), before)


def _compare_keyed(old: PlannedJob, new: PlannedJob, before: Operator, after: Operator) -> StateFit:
    nodes = old.node(before), new.node(after)
    types = [str(node.get("type")) for node in nodes]
    if not all(nodes) or not all(_is_named(before.title, type_) for type_ in types):
        return StateFit(Fit.UNKNOWN, f"the plan of {before.title} is not known")
    if types[0].rpartition("_")[0] != types[1].rpartition("_")[0]:
        return StateFit(Fit.LOSES, f"{before.title} is planned as another kind of operator")
    changed = [key for key in sorted({*nodes[0], *nodes[1]}) if _differs(nodes, key)]
    if old.inputs(before) != new.inputs(after):
        changed.append("input")
    if not changed:
        return StateFit(Fit.KEEPS, "")
    if old.key(before) != new.key(after):
        return StateFit(Fit.LOSES, f"{before.title} has a key of other types")
    if before.title == "Join" and "input" in changed:
        return StateFit(Fit.LOSES, f"{before.title} keeps rows with other columns")
    if "aggCalls" in changed and len({len(listed(node.get("aggCalls"))) for node in nodes}) > 1:
        return StateFit(Fit.LOSES, f"{before.title} has another number of aggregates, and its state other columns")
    fields = ", ".join(changed)
    return StateFit(Fit.UNKNOWN, f"{before.title} changes ({fields}): its state fits only if it has the same columns")


def _is_named(title: str, type_: str) -> bool:
    """Whether the type of a node is that of an operator's name: `stream-exec-group-aggregate_1` of GroupAggregate."""
    name = type_.removeprefix("stream-exec-").rpartition("_")[0].replace("-", "")
    return name == title.lower() or name == "sink"


def _differs(nodes: tuple[Mapping[str, object], Mapping[str, object]], key: str) -> bool:
    if key in _NAMES or key in _OUTPUT:
        return False
    return without_names(nodes[0].get(key)) != without_names(nodes[1].get(key))


def without_names(value: object) -> object:
    """A part of a plan without the names of columns, which are not a part of the state."""
    if isinstance(value, dict):
        items = cast(Mapping[str, object], value).items()
        return {key: without_names(item) for key, item in items if key not in _NAMES}
    if isinstance(value, list):
        return [without_names(item) for item in cast(list[object], value)]
    return _ROW.sub("", value) if isinstance(value, str) else value


def _columns(type_: object) -> list[object]:
    """The types of the columns of a row type, which is a text if all its types can be written as SQL."""
    if not isinstance(type_, str):
        return [without_names(mapping(field).get("fieldType")) for field in listed(mapping(type_).get("fields"))]
    columns, depth = [""], 0
    for character in _ROW.sub("", type_.removeprefix("ROW<").removesuffix(">")):
        depth += (character in "(<") - (character in ")>")
        if character == "," and depth == 0:
            columns.append("")
        else:
            columns[-1] += character
    return [column.strip() for column in columns]


def _compare_table(old: Mapping[str, object], new: Mapping[str, object], operator: Operator) -> StateFit:
    """Compare the tables of a source or a sink: its state is that of the connector."""
    for field in ("scanTableSource", "dynamicTableSink"):
        before, after = _options(old, field), _options(new, field)
        if before.get("connector") != after.get("connector"):
            return StateFit(Fit.LOSES, f"{operator.title} uses another connector")
        if changed := sorted(key for key in {*before, *after} if before.get(key) != after.get(key)):
            return StateFit(Fit.UNKNOWN, f"{operator.title} changes ({', '.join(changed)})")
    return StateFit(Fit.KEEPS, "")


def _options(node: Mapping[str, object], field: str) -> Mapping[str, object]:
    """The options of the table of a node."""
    table = mapping(mapping(node.get(field)).get("table"))
    return mapping(mapping(table.get("resolvedTable")).get("options"))


def _option(node: Mapping[str, object], field: str, key: str) -> object:
    return _options(node, field).get(key)


def _without_table(title: str) -> str:
    """The name of an operator without that of its table: `Source`, `Writer`."""
    return re.sub(r"^(Source|Sink): .*", r"\1", re.sub(r"^.*: (Writer|Committer)$", r"\1", title))
