"""Values that hold in every wording: a field of the spec can be overridden by another field, or by an option.

The operator and Flink read some values from several places. A process's own pod template wins over the common one,
`resources` over `resource`, and options such as `containerized.master.env.TZ` over pod templates. A source that wins
over the job file (`jobs`, `enforced`) sets or removes the other places, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, in_template
from flink_k8s.resolve.pod_templates import PROCESSES
from flink_k8s.resolve.sources import ConfigSource
from flink_k8s.resolve.state_storage import inner_spec

OPTION_PREFIXES: Final = {"jobManager": "jobmanager", "taskManager": "taskmanager"}
ENVIRONMENT_PREFIXES: Final = {
    "jobManager": "containerized.master.env.",
    "taskManager": "containerized.taskmanager.env.",
}
SECRET_ENVIRONMENT = "kubernetes.env.secretKeyRef"
CPU_CORES = "taskmanager.cpu.cores"
"""Flink reads it before `kubernetes.taskmanager.cpu.amount`, which the operator sets from the CPUs of the spec."""

_OPTIONS_OF_FIELDS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("serviceAccount",): ("kubernetes.jobmanager.service-account", "kubernetes.taskmanager.service-account"),
    ("job", "parallelism"): ("pipeline.jobvertex-parallelism-overrides",),
    ("taskManager", "resource", "cpu"): (CPU_CORES,),
    ("taskManager", "resources", "requests", "cpu"): (CPU_CORES,),
    ("taskManager", "resources", "limits", "cpu"): (CPU_CORES,),
    ("podTemplate", "spec", "hostNetwork"): ("kubernetes.hostnetwork.enabled",),
    ("podTemplate", "spec", "nodeSelector"): (
        "kubernetes.jobmanager.node-selector",
        "kubernetes.taskmanager.node-selector",
    ),
}
"""Options that Flink reads instead of a field of the spec."""

_FIELDS_OF_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "kubernetes.container.image.ref": ("image",),
    "kubernetes.container.image": ("image",),
    "kubernetes.container.image.pull-policy": ("imagePullPolicy",),
    "kubernetes.service-account": ("serviceAccount",),
    "kubernetes.jobmanager.replicas": ("jobManager", "replicas"),
    "jobmanager.memory.process.size": ("jobManager", "resource", "memory"),
    "taskmanager.memory.process.size": ("taskManager", "resource", "memory"),
    "kubernetes.jobmanager.cpu.amount": ("jobManager", "resource", "cpu"),
    "kubernetes.jobmanager.cpu": ("jobManager", "resource", "cpu"),
    "kubernetes.taskmanager.cpu.amount": ("taskManager", "resource", "cpu"),
    "kubernetes.taskmanager.cpu": ("taskManager", "resource", "cpu"),
    CPU_CORES: ("taskManager", "resource", "cpu"),
    "parallelism.default": ("job", "parallelism"),
}
"""Fields of the spec from which the operator overwrites an option."""


def in_every_wording(kind: str, sources: Sequence[ConfigSource], first: ConfigSource) -> list[ConfigSource]:
    """The sources; from one of them on, with the other wordings of their values that earlier sources use.

    Args:
        kind: of the Flink resource.
        sources: of its spec; the last wins.
        first: the first source that wins in every wording.
    """
    result = list(sources)
    start = next(index for index, source in enumerate(result) if source is first)
    for index in range(start, len(result)):
        spec = inner_spec(kind, result[index].spec)
        if not spec:
            continue
        earlier = [inner_spec(kind, source.spec) for source in result[:index]]
        other = _other_wordings(spec, earlier)
        if other:
            combined = _merged(result[index].spec, in_template(FlinkKind(kind), other))
            result[index] = replace(result[index], spec=combined)
    return result


def _other_wordings(spec: Mapping[str, object], earlier: Sequence[Mapping[str, object]]) -> dict[str, object]:
    other: dict[str, object] = {}
    keys = {key for source in earlier for key in mapping(source.get("flinkConfiguration"))}
    own_options = mapping(spec.get("flinkConfiguration"))
    _fields(own_options, spec, earlier, other)
    effective = _merged(spec, other)
    removed = [key for path, options in _OPTIONS_OF_FIELDS.items() if _has(effective, path) for key in options]
    for process in PROCESSES:
        _resources(process, mapping(effective.get(process)), earlier, other)
        removed += _template(process, spec, earlier, other, keys)
    if (
        "parallelism" in mapping(effective.get("job"))
        and not _has(effective, ("taskManager", "replicas"))
        and any(_has(source, ("taskManager", "replicas")) for source in earlier)
    ):
        # The operator calculates the parallelism from the number of TaskManagers if the spec sets it.
        _set(other, ("taskManager", "replicas"), None)
    options = {key: None for key in removed if key in keys and key not in own_options}
    secrets = _without_variables(spec, earlier)
    if secrets is not None and SECRET_ENVIRONMENT not in own_options:
        options = {**options, SECRET_ENVIRONMENT: secrets}
    if options:
        other["flinkConfiguration"] = options
    return other


def _fields(
    options: Mapping[str, object],
    spec: Mapping[str, object],
    earlier: Sequence[Mapping[str, object]],
    other: dict[str, object],
) -> None:
    """The fields that would overwrite an option of the source."""
    for key, path in _FIELDS_OF_OPTIONS.items():
        value = options.get(key)
        if value is None or _has(spec, path) or _has(other, path):
            continue
        is_size = path[1:2] == ("resource",)
        others = [path, (path[0], "resources")] if is_size else [path]
        if any(_has(source, place) for source in earlier for place in others):
            _set(other, path, _number(value) if path[-1] in ("cpu", "replicas", "parallelism") else value)


def _number(value: object) -> object:
    text = str(value)
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return value


def _resources(
    process: str,
    own: Mapping[str, object],
    earlier: Sequence[Mapping[str, object]],
    other: dict[str, object],
) -> None:
    """`resources` of a process with the values of `resource`: the operator ignores `resource` next to `resources`."""
    sizes = {key: value for key, value in mapping(own.get("resource")).items() if value is not None}
    if not sizes or _has(own, ("resources",)):
        return
    resources_by_source = [mapping(mapping(source.get(process)).get("resources")) for source in earlier]
    if any(mapping(resources.get(group)) for resources in resources_by_source for group in ("requests", "limits")):
        # A quantity is an integer or text.
        requests = {key: f"{value:g}" if isinstance(value, float) else value for key, value in sizes.items()}
        _set(other, (process, "resources", "requests"), requests)
        # A limit below the request is refused.
        _set(other, (process, "resources", "limits"), dict.fromkeys(sizes))


def _template(
    process: str,
    spec: Mapping[str, object],
    earlier: Sequence[Mapping[str, object]],
    other: dict[str, object],
    keys: Iterable[str],
) -> list[str]:
    """Merge the common pod template into that of a process; return the options that override its variables."""
    common, own = mapping(spec.get("podTemplate")), mapping(mapping(spec.get(process)).get("podTemplate"))
    if common and any(mapping(mapping(source.get(process)).get("podTemplate")) for source in earlier):
        _set(other, (process, "podTemplate"), merge_templates(common, own))
    prefix = ENVIRONMENT_PREFIXES[process]
    variables = {*_variables(common), *_variables(own)}
    return [key for key in keys if key.startswith(prefix) and key.removeprefix(prefix) in variables]


def merge_templates(common: Mapping[str, object], own: Mapping[str, object]) -> Mapping[str, object]:
    """The common template with that of a process; without one, unchanged, because it can contain removals."""
    return merge_mappings(common, own) if own else common


def _variables(template: Mapping[str, object]) -> set[str]:
    containers = [mapping(item) for item in listed(mapping(template.get("spec")).get("containers"))]
    return {
        str(mapping(variable).get("name"))
        for container in containers
        if container.get("name") == MAIN_CONTAINER
        for variable in listed(container.get("env"))
    }


def _without_variables(spec: Mapping[str, object], earlier: Sequence[Mapping[str, object]]) -> str | None:
    """The last option with variables from Secrets, without the variables of the source; None if it has none of them."""
    templates = [spec, *(mapping(spec.get(process)) for process in PROCESSES)]
    variables = {name for holder in templates for name in _variables(mapping(holder.get("podTemplate")))}
    entries_by_source = [mapping(source.get("flinkConfiguration")).get(SECRET_ENVIRONMENT) for source in earlier]
    last = next((str(value) for value in reversed(entries_by_source) if value is not None), None)
    if not variables or last is None:
        return None
    entries = [entry for entry in last.split(";") if entry]
    remaining = [entry for entry in entries if not any(f"env:{name}" in _parts(entry) for name in variables)]
    return ";".join(remaining) if len(remaining) < len(entries) else None


def _parts(entry: str) -> list[str]:
    return [part.strip() for part in entry.split(",")]


def _has(spec: Mapping[str, object], path: Sequence[str]) -> bool:
    """Whether the spec has a value at the path; null is not a value."""
    value: object = spec
    for part in path:
        value = mapping(value).get(part)
    return value is not None


def _set(spec: dict[str, object], path: Sequence[str], value: object) -> None:
    for part in path[:-1]:
        spec = cast(dict[str, object], spec.setdefault(part, {}))
    spec[path[-1]] = value


def _merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Like `merge_mappings`, but nulls remain, and lists are replaced."""
    merged = dict(base)
    for key, value in over.items():
        lower_value = merged.get(key)
        merged[key] = (
            _merged(mapping(cast(object, lower_value)), mapping(cast(object, value)))
            if isinstance(lower_value, dict) and isinstance(value, dict)
            else value
        )
    return merged
