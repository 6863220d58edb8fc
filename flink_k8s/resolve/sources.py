"""The layers that a job's spec is merged from, and where each of its final values came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from flink_k8s.config.merge import NAMED_LISTS, merge_into, merge_key
from flink_k8s.config.model import JobSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.resolve.job_spec import apply_parameters, configuration_of, job_of, secret_volume

DEFAULTS = "jobDefaults"
JOB_FILE = "job file"
ENFORCED = "enforced"
IMAGES = "images"
"""The layer that puts the stack's image in the place of the one that a job names."""


@dataclass(frozen=True)
class Layer:
    """One layer of a spec.

    Attributes:
        name: `platform`, `jobDefaults`, `job file`, `jobs.<key>`, `enforced`, `images`, `make suspend`.
        spec: what it says of the spec, in the spec's own shape.
        place: where its values stand in the stack config; None for the platform and the job file.
        settings: the settings that it was made from; None where it was made from none.
        config: the stack config that they stand in; None where it is the job's own stack's.
    """

    name: str
    spec: Mapping[str, object]
    place: KeyPath | None = None
    settings: JobSettings | None = field(default=None, repr=False)
    config: StackConfig | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Origin:
    """Where a value of the merged spec came from.

    Attributes:
        layer: the layer.
        path: of the value in that layer's spec; a named list's item may stand elsewhere there.
    """

    layer: Layer
    path: KeyPath


@dataclass(frozen=True)
class Layers:
    """All layers of one job, later wins.

    Attributes:
        ordered: the layers.
        arguments: which layer's `parameters` set which of the job's arguments, by the flag (`--key`).
        option_names: all names of an option of flinkConfiguration, by each of them; `tables.option_names`. Empty
            where no layer speaks of one that has several.
    """

    ordered: Sequence[Layer]
    arguments: dict[str, Layer] = field(default_factory=dict[str, Layer])
    option_names: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict[str, tuple[str, ...]])

    def merged(self, first: int = 0, last: int | None = None) -> dict[str, object]:
        """The spec, without `parameters`; with two numbers that of these layers alone.

        What a layer says of an option of flinkConfiguration, if only to take it away, takes away what earlier ones say
        of it by another name: Flink reads today's name before the older ones, whichever layer it is from.
        """
        merged: dict[str, object] = {}
        for layer in self.ordered[first:last]:
            if self.option_names and (before := configuration_of(merged)):
                said = configuration_of(layer.spec) or {}
                for key in self.option_names.keys() & said.keys():
                    for name in self.option_names[key]:
                        if name != key:
                            before.pop(name, None)
            merge_into(merged, layer.spec)
        return merged

    def lay_parameters(self, spec: dict[str, object], first: int = 0, last: int | None = None) -> dict[str, Layer]:
        """Lays the layers' `parameters` onto the arguments of the spec that they were merged to, in their order.

        Those of `jobDefaults` are for arguments that lack them, and those of any other layer are not laid where a later
        one says `args`.

        Returns:
            By the flag, whose argument it is.
        """
        layers = self.ordered[first:last]
        said = [
            (index, layer, layer.settings.parameters)
            for index, layer in enumerate(layers)
            if layer.settings is not None and layer.settings.parameters
        ]
        usual: dict[str, str | None] = {}
        whose: dict[str, Layer] = {}
        for _, layer, parameters in said:
            if layer.name == DEFAULTS:
                usual |= parameters
                whose |= {f"--{key}": layer for key in parameters}
        found = {flag: whose[flag] for flag in apply_parameters(spec, usual, only_missing=True)}
        for index, layer, parameters in said:
            later = (job_of(one.spec) or {} for one in layers[index + 1 :])
            if layer.name != DEFAULTS and all(job.get("args") is None for job in later):
                found |= dict.fromkeys(apply_parameters(spec, parameters), layer)
        return found

    def origin(self, path: KeyPath, merged: Mapping[str, object]) -> Origin | None:
        """The last layer that says something at that path of the merged spec; None when none does."""
        for layer in reversed(self.ordered):
            there = _locate(layer.spec, path, merged)
            if there is not None:
                return Origin(layer, there)
        return None


def _locate(spec: Mapping[str, object], path: KeyPath, merged: Mapping[str, object]) -> KeyPath | None:
    """The path's place in a layer's spec, None when it does not speak of it."""
    value: object = spec
    final: object = merged
    there: list[str | int] = []
    for index, part in enumerate(path):
        if isinstance(part, str):
            inner = cast(Mapping[str, object], value).get(part) if isinstance(value, Mapping) else None
            if inner is None:
                return None
            final = cast(Mapping[str, object], final).get(part) if isinstance(final, Mapping) else None
            value = inner
            there.append(part)
            continue
        if not isinstance(value, list):
            return None
        items = cast(list[object], value)
        place = _place(items, part, final, str(path[index - 1]))
        if place is None:
            return None
        value, final = items[place], cast(list[object], final)[part]
        there.append(place)
    return tuple(there)


def _place(items: list[object], index: int, final: object, key: str) -> int | None:
    """Where the item that stands at `index` of the merged list stands in a layer's list."""
    if not isinstance(final, list) or index >= len(cast(list[object], final)):
        return None
    wanted = cast(list[object], final)[index]
    if key in NAMED_LISTS and isinstance(wanted, dict):
        by = merge_key(key)
        name = cast(dict[str, object], wanted).get(by)
        for place, item in enumerate(items):
            if isinstance(item, dict) and cast(dict[str, object], item).get(by) == name:
                return place
        return None
    return index if index < len(items) else None


def leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every value below, with its path; an empty mapping or list is a value."""
    if isinstance(value, dict) and value:
        for key, item in cast(dict[str, object], value).items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(cast(list[object], value)):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


_FIELDS: dict[KeyPath, str] = {
    ("image",): "image",
    ("flinkVersion",): "flinkVersion",
    ("restartNonce",): "restartNonce",
    ("job", "parallelism"): "parallelism",
    ("job", "upgradeMode"): "upgradeMode",
    ("job", "state"): "state",
    ("job", "initialSavepointPath"): "restoreFrom",
    ("job", "savepointRedeployNonce"): "restoreFrom",
}

_OF_SETTING: dict[KeyPath, str] = {
    ("flinkConfiguration", "kubernetes.operator.job.savepoint-on-deletion"): "savepointOnDeletion",
}
"""Settings of their own whose values can be said by the field's own name as well."""


def settings_path(
    path: KeyPath, layer: Mapping[str, object], spec: Mapping[str, object], arguments: str = ""
) -> KeyPath:
    """Where a value of a spec stands in the job settings that said it: `("job", "parallelism")` in `("parallelism",)`.

    Args:
        path: in the spec, without a blue/green deployment's template.
        layer: the settings as written, by their names in files.
        spec: what was made of them.
        arguments: the flag of the argument that is meant.
    """
    if _has(layer.get("spec"), path):
        return ("spec", *path)
    if path[1:2] == ("podTemplate",):  # merged from the common template: `resolve.wordings`
        return settings_path(path[1:], layer, cast(Mapping[str, object], _at(spec, path[:1])), arguments)
    if path[1:3] == ("resources", "requests"):
        return (*path[:1], *path[3:])
    if path in _FIELDS:
        return (_FIELDS[path],)
    if path in _OF_SETTING and not _has(layer, path):
        return (_OF_SETTING[path],)
    if path[:2] == ("job", "args"):
        parameter = arguments.removeprefix("--")
        return ("parameters", parameter) if parameter and _has(layer.get("parameters"), (parameter,)) else ("args",)
    variable = _variable(path, spec)
    if variable is not None:
        return ("secretEnv" if _has(layer.get("secretEnv"), (variable,)) else "env", variable)
    folder = _secret_folder(path, layer, spec)
    if folder is not None:
        return ("secretFiles", folder)
    first, rest = path[0], path[1:]
    if first in ("jobManager", "taskManager"):
        return (first, *(rest[1:] if rest[:1] == ("resource",) else rest))
    if first == "flinkConfiguration":
        return (first, *(_nested(layer.get("flinkConfiguration"), str(rest[0])) if rest else ()))
    return (first, *rest)


def _secret_folder(path: KeyPath, layer: Mapping[str, object], spec: Mapping[str, object]) -> str | None:
    """The folder of `secretFiles` whose volume or mount a path of the spec is in."""
    folders = layer.get("secretFiles")
    of_pod = path[2:] if path[:2] == ("podTemplate", "spec") else ()
    inside = of_pod[:2] if of_pod[:1] == ("volumes",) else of_pod[:4]
    if not isinstance(folders, dict) or len(inside) < 2 or inside[-2] not in ("volumes", "volumeMounts"):
        return None
    item = _at(spec, (*path[:2], *inside))
    name = cast(Mapping[str, object], item).get("name") if isinstance(item, Mapping) else None
    return next((folder for folder in cast(dict[str, object], folders) if secret_volume(folder) == name), None)


def _variable(path: KeyPath, spec: Mapping[str, object]) -> str | None:
    """The name of the environment variable that a path of the spec is in."""
    if path[:3] != ("podTemplate", "spec", "containers") or len(path) < 6 or path[4] != "env":
        return None
    value = _at(spec, path[:6])
    name = cast(Mapping[str, object], value).get("name") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else None


def _at(spec: Mapping[str, object], path: KeyPath) -> object:
    """What stands at a path; None where nothing does."""
    value = cast(object, spec)
    for part in path:
        if isinstance(part, str):
            value = cast(Mapping[str, object], value).get(part) if isinstance(value, Mapping) else None
        else:
            items = cast(list[object], value) if isinstance(value, list) else []
            value = items[part] if part < len(items) else None
    return value


def _has(value: object, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False
        value = cast(dict[str | int, object], value)[part]
    return True


def _nested(configuration: object, key: str) -> KeyPath:
    """The path of a flat key in a configuration that may be nested."""
    if isinstance(configuration, dict):
        for name, value in cast(dict[str, object], configuration).items():
            if name == key:
                return (name,)
            if key.startswith(f"{name}.") and isinstance(value, dict):
                return (name, *_nested(cast(object, value), key.removeprefix(f"{name}.")))
    return (key,)
