"""Merging: worked examples, and properties that hold for any layers."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.merge import merge, merge_mappings

KEYS = st.sampled_from(["a", "b", "env", "containers", "ports", "volumeMounts", "resource"])
leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"])
items = st.fixed_dictionaries(
    {"name": st.sampled_from(["m", "n"])},
    optional={"mountPath": st.sampled_from(["/a", "/b"]), "value": leaves, "$patch": st.just("delete")},
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.lists(items, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
layers = st.dictionaries(KEYS, values, max_size=4)


def has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(item is None or has_null(item) for item in value.values())
    return isinstance(value, list) and any(has_null(item) for item in value)


@given(layers, layers)
def test_merging_a_source_twice_equals_merging_it_once(base: dict[str, object], over: dict[str, object]) -> None:
    once = merge_mappings(base, over)
    assert merge_mappings(once, over) == once


@given(layers, layers)
def test_no_argument_is_changed(base: dict[str, object], over: dict[str, object]) -> None:
    copies = copy.deepcopy((base, over))
    merged = merge_mappings(base, over)
    assert (base, over) == copies
    for value in merged.values():  # nor does a change of the result reach them
        if isinstance(value, dict):
            value["new"] = 1
        elif isinstance(value, list):
            value.append(1)
    merged["new"] = 1
    assert (base, over) == copies


@given(layers, layers)
def test_values_of_a_single_source_remain(base: dict[str, object], over: dict[str, object]) -> None:
    merged = merge_mappings(base, over)
    assert {key: merged[key] for key in base.keys() - over.keys()} == {
        key: base[key] for key in base.keys() - over.keys()
    }
    assert merged.keys() == {
        key for key in (*base, *over) if over.get(key, base.get(key)) is not None or key not in over
    }


@given(layers, st.dictionaries(KEYS, leaves | st.lists(leaves, min_size=1), max_size=4))
def test_scalar_of_the_later_source_wins(base: dict[str, object], over: dict[str, object]) -> None:
    merged = merge_mappings(base, over)
    for key, value in over.items():
        if value is None:
            assert key not in merged
        elif not isinstance(value, list) or None not in value:
            assert merged[key] == value


@given(layers)
def test_empty_source_changes_nothing_and_nulls_are_dropped(layer: dict[str, object]) -> None:
    assert merge_mappings(layer, {}) == layer
    assert not has_null(merge_mappings({}, layer)) or any(isinstance(v, list) for v in layer.values())


@given(layers, layers, layers)
def test_last_of_three_sources_wins(
    first: dict[str, object], second: dict[str, object], third: dict[str, object]
) -> None:
    """Values of the last source remain, whatever earlier sources contain."""
    merged = merge_mappings(merge_mappings(first, second), third)
    for key, value in third.items():
        if value is None:
            assert key not in merged
        elif isinstance(value, bool | int | str):
            assert merged[key] == value


def test_mappings_are_deep_and_lists_replaced() -> None:
    base = {"job": {"args": ["a"], "parallelism": 1}}
    assert merge_mappings(base, {"job": {"args": ["b", "c"]}}) == {"job": {"args": ["b", "c"], "parallelism": 1}}


def test_named_lists_are_merged_by_name_in_their_order() -> None:
    base = {"containers": [{"name": "main", "image": "a", "env": [{"name": "A", "value": "1"}]}, {"name": "log"}]}
    over = {
        "containers": [
            {"name": "new"},
            {"name": "main", "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]},
        ]
    }
    assert merge_mappings(base, over) == {
        "containers": [
            {"name": "main", "image": "a", "env": [{"name": "A", "value": "3"}, {"name": "B", "value": "2"}]},
            {"name": "log"},
            {"name": "new"},
        ]
    }


def test_volume_mounts_are_merged_by_path() -> None:
    base = {"volumeMounts": [{"name": "v", "mountPath": "/a"}]}
    over = {"volumeMounts": [{"name": "v", "mountPath": "/b"}, {"name": "w", "mountPath": "/a"}]}
    assert merge_mappings(base, over) == {
        "volumeMounts": [{"name": "w", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]
    }


def test_env_can_be_replaced_by_a_secret_reference() -> None:
    base = {"env": [{"name": "A", "value": "1"}]}
    over = {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}
    assert merge_mappings(base, over)["env"] == over["env"]
    assert merge_mappings(over, base)["env"] == base["env"]


def test_null_removes_a_key_at_any_depth() -> None:
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}
    assert merge({"a": 1}, {"x": {"y": None, "z": 1}}) == {"a": 1, "x": {"z": 1}}
    assert merge({"env": [{"name": "A", "value": "1"}]}, {"env": None}) == {}


def test_item_of_a_named_list_can_be_removed() -> None:
    base = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    assert merge(base, {"env": [{"name": "A", "$patch": "delete"}, {"name": "C", "value": "3"}]}) == {
        "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]
    }
    assert merge({}, {"env": [{"name": "A", "$patch": "delete"}]}) == {"env": []}
