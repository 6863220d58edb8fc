"""The configuration sources that a job's spec is merged from, and the source of each final value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

from flink_k8s.config.merge import NAMED_LISTS, merge_into, merge_key
from flink_k8s.config.model import JobSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.resolve.job_spec import apply_parameters, configuration_of, job_of, secret_volume

DEFAULTS = "jobDefaults"
DERIVED = "derived"
"""The source of the values that the platform calculates from the stack config."""

JOB_FILE = "job file"
ENFORCED = "enforced"
IMAGES = "images"
"""The source that replaces the image of a job by an image of the stack config."""


@dataclass(frozen=True)
class ConfigSource:
    """One configuration source of a spec.

    Attributes:
        name: `derived`, `jobDefaults`, `job file`, `jobs.<key>`, `enforced`, `images`, `make suspend`.
        spec: the part of the spec that the source sets.
        config_path: path of the source in the stack config; None for derived values and the job file.
        settings: the job settings of the source; None if it has none.
        config: the stack config that contains the settings; None for the config of the job's own stack.
    """

    name: str
    spec: Mapping[str, object]
    config_path: KeyPath | None = None
    settings: JobSettings | None = field(default=None, repr=False)
    config: StackConfig | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Origin:
    """The origin of a value of the merged spec.

    Attributes:
        source: the configuration source.
        path: of the value in the source's spec; an item of a named list can have another index there.
    """

    source: ConfigSource
    path: KeyPath


@dataclass(frozen=True)
class ConfigSources:
    """All configuration sources of one job.

    Attributes:
        ordered: the sources; a later source wins.
        arguments: by flag (`--key`), the source whose `parameters` set that argument of the job.
        option_names: all names of an option of flinkConfiguration, by each name; `tables.option_names`. Empty if no
            source sets an option with several names.
    """

    ordered: Sequence[ConfigSource]
    arguments: dict[str, ConfigSource] = field(default_factory=dict[str, ConfigSource])
    option_names: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict[str, tuple[str, ...]])

    def merged(self, first: int = 0, last: int | None = None) -> dict[str, object]:
        """The spec without `parameters`, merged from the sources in the range.

        If a source sets or removes an option of flinkConfiguration, the values of earlier sources under the option's
        other names are removed: Flink prefers the current name to older ones, regardless of the source.
        """
        merged: dict[str, object] = {}
        for source in self.ordered[first:last]:
            if self.option_names and (merged_configuration := configuration_of(merged)):
                configuration = configuration_of(source.spec) or {}
                for key in self.option_names.keys() & configuration.keys():
                    for name in self.option_names[key]:
                        if name != key:
                            merged_configuration.pop(name, None)
            merge_into(merged, source.spec)
        return merged

    def merge_parameters(
        self, spec: dict[str, object], first: int = 0, last: int | None = None
    ) -> dict[str, ConfigSource]:
        """Merge the `parameters` of the sources into the arguments of the merged spec, in the order of the sources.

        Those of `jobDefaults` only apply to missing arguments. Those of other sources are ignored if a later source
        sets `args`.

        Returns:
            The source of an argument, by flag.
        """
        sources = self.ordered[first:last]
        parameter_sources = [
            (index, source, source.settings.parameters)
            for index, source in enumerate(sources)
            if source.settings is not None and source.settings.parameters
        ]
        defaults: dict[str, str | None] = {}
        default_sources: dict[str, ConfigSource] = {}
        for _, source, parameters in parameter_sources:
            if source.name == DEFAULTS:
                defaults |= parameters
                default_sources |= {f"--{key}": source for key in parameters}
        argument_sources = {flag: default_sources[flag] for flag in apply_parameters(spec, defaults, only_missing=True)}
        for index, source, parameters in parameter_sources:
            later = (job_of(source.spec) or {} for source in sources[index + 1 :])
            if source.name != DEFAULTS and all(job.get("args") is None for job in later):
                argument_sources |= dict.fromkeys(apply_parameters(spec, parameters), source)
        return argument_sources

    def nearest_origin(self, path: KeyPath, merged: Mapping[str, object]) -> Origin | None:
        """The origin of the value at the path or, if no source sets it, of the list item that lacks it."""
        ends = [len(path), *(end for end in range(len(path) - 1, 0, -1) if isinstance(path[end - 1], int))]
        origins = ((end, self.origin(path[:end], merged)) for end in ends)
        found = next(((end, origin) for end, origin in origins if origin is not None), None)
        return None if found is None else Origin(found[1].source, (*found[1].path, *path[found[0] :]))

    def origin(self, path: KeyPath, merged: Mapping[str, object]) -> Origin | None:
        """The last source that sets the value at the path of the merged spec; None if no source does."""
        for source in reversed(self.ordered):
            source_path = _path_in_source(source.spec, path, merged)
            if source_path is not None:
                return Origin(source, source_path)
        return None


def _path_in_source(spec: Mapping[str, object], path: KeyPath, merged: Mapping[str, object]) -> KeyPath | None:
    """The path of a value of the merged spec in a source's spec; None if the source does not set it."""
    value: object = spec
    final: object = merged
    source_path: list[str | int] = []
    for index, part in enumerate(path):
        if isinstance(part, str):
            next_value = cast(Mapping[str, object], value).get(part) if isinstance(value, Mapping) else None
            if next_value is None:
                return None
            final = cast(Mapping[str, object], final).get(part) if isinstance(final, Mapping) else None
            value = next_value
            source_path.append(part)
            continue
        if not isinstance(value, list):
            return None
        items = cast(list[object], value)
        source_index = _index_in_source(items, part, final, str(path[index - 1]))
        if source_index is None:
            return None
        value, final = items[source_index], cast(list[object], final)[part]
        source_path.append(source_index)
    return tuple(source_path)


def _index_in_source(items: list[object], index: int, final: object, key: str) -> int | None:
    """The index in a source's list of the item at `index` of the merged list."""
    if not isinstance(final, list) or index >= len(cast(list[object], final)):
        return None
    merged_item = cast(list[object], final)[index]
    if key in NAMED_LISTS and isinstance(merged_item, dict):
        merge_field = merge_key(key)
        name = cast(dict[str, object], merged_item).get(merge_field)
        # Try the same index first: a job can have thousands of variables, most of them from one source.
        for source_index, item in chain(enumerate(items[index : index + 1], index), enumerate(items)):
            if isinstance(item, dict) and cast(dict[str, object], item).get(merge_field) == name:
                return source_index
        return None
    return index if index < len(items) else None


def leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every leaf of a value, with its path; an empty mapping or list is a leaf."""
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

_OPTION_SETTINGS: dict[KeyPath, str] = {
    ("flinkConfiguration", "kubernetes.operator.job.savepoint-on-deletion"): "savepointOnDeletion",
}
"""Settings whose values can also be set by the option itself."""


def settings_path(
    path: KeyPath, source: Mapping[str, object], spec: Mapping[str, object], arguments: str = ""
) -> KeyPath:
    """The path in job settings of a value of a spec: `("parallelism",)` for `("job", "parallelism")`.

    Args:
        path: in the spec, without a blue/green deployment's template.
        source: the settings as they are written, by their keys in files.
        spec: the spec of those settings.
        arguments: the flag of the argument at the path.
    """
    item = max((end for end, part in enumerate(path, 1) if isinstance(part, int)), default=len(path))
    if _has(source.get("spec"), path[:item]):
        return ("spec", *path)
    if path[1:2] == ("podTemplate",):  # merged from the common template: `resolve.wordings`
        return settings_path(path[1:], source, cast(Mapping[str, object], _value_at(spec, path[:1])), arguments)
    if path[1:3] == ("resources", "requests"):
        return (*path[:1], *path[3:])
    if path in _FIELDS:
        return (_FIELDS[path],)
    if path in _OPTION_SETTINGS and not _has(source, path):
        return (_OPTION_SETTINGS[path],)
    if path[:2] == ("job", "args"):
        parameter = arguments.removeprefix("--")
        return ("parameters", parameter) if parameter and _has(source.get("parameters"), (parameter,)) else ("args",)
    variable = _variable(path, spec)
    if variable is not None:
        return ("secretEnv" if _has(source.get("secretEnv"), (variable,)) else "env", variable)
    folder = _secret_folder(path, source, spec)
    if folder is not None:
        return ("secretFiles", folder)
    field_name, rest = path[0], path[1:]
    if field_name in ("jobManager", "taskManager"):
        return (field_name, *(rest[1:] if rest[:1] == ("resource",) else rest))
    if field_name == "flinkConfiguration":
        return (field_name, *(_nested(source.get("flinkConfiguration"), str(rest[0])) if rest else ()))
    return (field_name, *rest)


def _secret_folder(path: KeyPath, source: Mapping[str, object], spec: Mapping[str, object]) -> str | None:
    """The folder of `secretFiles` whose volume or mount contains a path of the spec."""
    folders = source.get("secretFiles")
    pod_path = path[2:] if path[:2] == ("podTemplate", "spec") else ()
    item_path = pod_path[:2] if pod_path[:1] == ("volumes",) else pod_path[:4]
    if not isinstance(folders, dict) or len(item_path) < 2 or item_path[-2] not in ("volumes", "volumeMounts"):
        return None
    item = _value_at(spec, (*path[:2], *item_path))
    name = cast(Mapping[str, object], item).get("name") if isinstance(item, Mapping) else None
    return next((folder for folder in cast(dict[str, object], folders) if secret_volume(folder) == name), None)


def _variable(path: KeyPath, spec: Mapping[str, object]) -> str | None:
    """The name of the environment variable that contains a path of the spec."""
    if path[:3] != ("podTemplate", "spec", "containers") or len(path) < 6 or path[4] != "env":
        return None
    value = _value_at(spec, path[:6])
    name = cast(Mapping[str, object], value).get("name") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else None


def _value_at(spec: Mapping[str, object], path: KeyPath) -> object:
    """The value at a path; None if the path does not exist."""
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
        if isinstance(value, list) and isinstance(part, int) and part < len(cast(list[object], value)):
            value = cast(list[object], value)[part]
        elif isinstance(value, dict) and part in value:
            value = cast(dict[str | int, object], value)[part]
        else:
            return False
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
