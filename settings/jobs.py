"""From job files and stack config to the manifests that Kubernetes gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from settings.job_files import FileObject
from settings.job_spec import (
    METRICS_PORT,
    PROMETHEUS_REPORTER,
    apply_arguments,
    derived_spec,
    flat_configuration,
    in_template,
    job_of,
    raw_spec,
    spec_of,
    with_parameter,
)
from settings.layers import Layer, Layers, settings_path
from settings.merge import merge_mappings
from settings.model import JobSettings, StackSettings
from settings.problems import KeyPath, Problem, nearest
from settings.stack_file import StackConfig

__all__ = [
    "METRICS_PORT",
    "PROMETHEUS_REPORTER",
    "Attachment",
    "Job",
    "Resolved",
    "job_of",
    "resolve",
    "with_parameter",
]


@dataclass(frozen=True)
class Job:
    """One Flink resource as it will be applied.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        manifest: the merged object: apiVersion, kind, metadata, spec.
        settings: the merged settings of the stack for it.
        layers: what its spec was merged from.
        config: the stack config.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
    settings: JobSettings
    layers: Layers = field(repr=False, default_factory=lambda: Layers(()))
    config: StackConfig = field(repr=False, default_factory=lambda: StackConfig("", {}))

    @property
    def kind(self) -> str:
        """`FlinkDeployment` …"""
        return self.source.kind

    @property
    def name(self) -> str:
        """Its name; unique together with kind and namespace."""
        return self.source.name

    @property
    def spec(self) -> dict[str, object]:
        """The merged spec."""
        return cast(dict[str, object], self.manifest["spec"])

    @property
    def is_suspended(self) -> bool:
        """Whether it is declared not to run."""
        job = job_of(self.spec)
        return job is not None and job.get("state") == "suspended"

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem at that path of the merged manifest, in the file that said the value or what is around it."""
        inside = self._inner(path[1:]) if path[:1] == ("spec",) else None
        if inside is None:
            return self.source.problem(path, message)
        layer = self._argument_layer(inside)
        if layer is not None:
            return self._config_problem(layer, inside, message)
        origin = self.layers.origin(path[1:], self.spec)
        if origin is None or origin.layer.place is None:
            return self.source.problem(("spec", *origin.path) if origin else path, message)
        return self._config_problem(origin.layer, self._inner(origin.path) or (), message)

    def written(self, path: KeyPath) -> str | None:
        """The text in the job file where YAML reads the value at that path as something that looks otherwise."""
        origin = self.layers.origin(path[1:], self.spec) if path[:1] == ("spec",) else None
        if origin is None or origin.layer.name != "job file":
            return None  # the stack file is looked at as a whole
        return self.source.document.written.get((*self.source.root, "spec", *origin.path))

    def origin(self, path: KeyPath) -> str:
        """Where the value at that path of the spec came from, in words: the layer, and `file:line` where it has one."""
        layer = self._argument_layer(self._inner(path) or ())
        origin = self.layers.origin(path, self.spec)
        if layer is None and origin is not None:
            layer = origin.layer
        if layer is None or layer.name == "platform":
            return "platform"
        found = self.problem(("spec", *path), "")
        return f"{layer.name} ({found.file}:{found.line})" if found.line else layer.name

    def _inner(self, path: KeyPath) -> KeyPath | None:
        """A path of the spec as settings see it: without a blue/green deployment's template; None outside of that."""
        if self.kind != "FlinkBlueGreenDeployment":
            return path
        return path[2:] if path[:2] == ("template", "spec") else None

    def _argument_layer(self, inside: KeyPath) -> Layer | None:
        if inside[:2] != ("job", "args"):
            return None
        return self.layers.arguments.get(self._flag(inside)) or self.layers.arguments.get("")

    def _flag(self, inside: KeyPath) -> str:
        """The flag that the argument at that path is or belongs to."""
        args = [str(arg) for arg in cast(list[object], (job_of(self.spec) or {}).get("args") or [])]
        index = inside[2] if len(inside) > 2 else None
        if not isinstance(index, int) or index >= len(args):
            return ""
        if not args[index].startswith("--") and index and args[index - 1].startswith("--"):
            index -= 1
        return args[index].partition("=")[0]

    def _config_problem(self, layer: Layer, inside: KeyPath, message: str) -> Problem:
        """A problem in the stack config, at the setting that gave the value."""
        place = layer.place or ()
        said: object = self.config.values
        for part in place:
            said = cast(Mapping[str | int, object], said).get(part) if isinstance(said, Mapping) else None
        written = cast(Mapping[str, object], said) if isinstance(said, Mapping) else {}
        return self.config.problem((*place, *settings_path(inside, written, self._flag(inside))), message)

    @property
    def session_cluster(self) -> str | None:
        """Name of the FlinkDeployment that runs a FlinkSessionJob, in the same namespace."""
        return (
            str(self.spec["deploymentName"])
            if self.kind == "FlinkSessionJob" and "deploymentName" in self.spec
            else None
        )

    @property
    def snapshot_of(self) -> tuple[str, str] | None:
        """Kind and name of the job that a FlinkStateSnapshot is taken of."""
        reference = self.spec.get("jobReference")
        if self.kind != "FlinkStateSnapshot" or not isinstance(reference, dict):
            return None
        target = cast(dict[str, object], reference)
        return str(target.get("kind")), str(target.get("name"))


@dataclass(frozen=True)
class Attachment:
    """An object of another kind in a job file, such as a claim: deployed with the file's jobs.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        manifest: the object, with namespace and labels.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]


@dataclass(frozen=True)
class Resolved:
    """What the job files come to in one stack."""

    jobs: tuple[Job, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]


def resolve(settings: StackSettings, config: StackConfig, objects: Iterable[FileObject]) -> Resolved:
    """Merges each object with the stack's settings, in the order: what the platform derives < `jobDefaults` < the
    job file < `jobs` < `enforced`.

    Args:
        settings: the stack's settings.
        config: where they stand, for problems.
        objects: of all job files.
    """
    objects = list(objects)
    problems: list[Problem] = []
    keys = _keys_of_jobs(settings, config, objects, problems)
    jobs: list[Job] = []
    attachments: list[Attachment] = []
    taken: dict[tuple[str, str, str], FileObject] = {}
    for source in objects:
        own = settings.jobs.get(keys.get(id(source), ""), JobSettings.model_validate({}))
        namespace = _namespace(settings, source, own)
        if namespace not in settings.namespaces:
            path = ("metadata", "namespace")
            known = nearest(namespace, list(settings.namespaces))
            problems.append(source.problem(path, f'is "{namespace}", which the stack does not have; {known}'))
            continue
        identity = (source.kind, namespace, source.name)
        if identity in taken:
            first = taken[identity].document
            other = f"{first.file}:{first.line((*taken[identity].root, 'metadata', 'name'))}"
            problems.append(
                source.problem(("metadata", "name"), f'"{source.name}" is in {other} too; name one otherwise')
            )
            continue
        taken[identity] = source
        if not source.is_job:
            attachments.append(Attachment(source, namespace, _object_manifest(source, namespace)))
            continue
        layers = (settings.job_defaults, own, settings.enforced)
        merged = JobSettings.model_validate(
            _merge_all(layer.model_dump(by_alias=True, exclude_unset=True) for layer in layers)
        )
        if merged.enabled is False:
            continue
        key = keys.get(id(source))
        manifest, made_of = _job_manifest(source, namespace, settings, own, key)
        jobs.append(Job(source, namespace, manifest, merged, made_of, config))
    return Resolved(tuple(jobs), tuple(attachments), tuple(problems))


def _namespace(settings: StackSettings, source: FileObject, own: JobSettings) -> str:
    for said in (settings.enforced.namespace, own.namespace, source.namespace, settings.job_defaults.namespace):
        if said is not None:
            return said
    return settings.first_namespace


def _keys_of_jobs(
    settings: StackSettings, config: StackConfig, objects: list[FileObject], problems: list[Problem]
) -> dict[int, str]:
    """Which key of `jobs` speaks of which object; a key of no job or of several is a problem."""
    by_name: dict[str, list[FileObject]] = {}
    for source in objects:
        if source.is_job:
            by_name.setdefault(source.name, []).append(source)
            namespace = source.namespace or settings.first_namespace
            by_name.setdefault(f"{source.kind}/{namespace}/{source.name}", []).append(source)
    keys: dict[int, str] = {}
    for key in settings.jobs:
        meant = by_name.get(key, [])
        if len(meant) == 1:
            if id(meant[0]) in keys:
                said = keys[id(meant[0])]
                problems.append(config.problem(("jobs", key), f'speaks of the same job as "{said}"; keep one'))
            keys[id(meant[0])] = key
        elif meant:
            full = ", ".join(sorted(f"{s.kind}/{s.namespace or settings.first_namespace}/{s.name}" for s in meant))
            problems.append(
                config.problem(("jobs", key), f"fits several jobs; write kind/namespace/name, one of: {full}")
            )
        else:
            names = sorted({source.name for source in objects if source.is_job})
            problems.append(config.problem(("jobs", key), f"is no job in jobs/; {nearest(key, names)}"))
    return keys


def _merge_all(layers: Iterable[Mapping[str, object]]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for layer in layers:
        merged = merge_mappings(merged, layer)
    return merged


def _labels(source: FileObject) -> dict[str, object]:
    return {
        "app.kubernetes.io/name": source.name,
        "app.kubernetes.io/part-of": "flink-k8s",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def _object_manifest(source: FileObject, namespace: str) -> dict[str, object]:
    manifest = {key: value for key, value in source.manifest.items() if key != "status"}
    metadata = merge_mappings({"labels": _labels(source)}, source.metadata)
    manifest["metadata"] = {**metadata, "name": source.name, "namespace": namespace}
    return manifest


def _job_manifest(
    source: FileObject, namespace: str, settings: StackSettings, own: JobSettings, key: str | None
) -> tuple[dict[str, object], Layers]:
    kind = source.kind
    written = flat_configuration(cast(dict[str, object], source.manifest["spec"]))
    runs_job = job_of(written) is not None

    def of_all(layer: JobSettings) -> dict[str, object]:
        return _laid(spec_of(layer, kind, runs_job=runs_job), in_template(kind, raw_spec(layer, kind)))

    mine = spec_of(own, kind, runs_job=runs_job)
    named = Layer(f"jobs.{key}", _laid(mine, flat_configuration(own.spec or {})), ("jobs", str(key)))
    enforced = Layer("enforced", of_all(settings.enforced), ("enforced",))
    defaults = Layer("jobDefaults", of_all(settings.job_defaults), ("jobDefaults",))
    layers = Layers([Layer("platform", derived_spec(kind)), defaults, Layer("job file", written), named, enforced])
    spec = layers.merged()
    for layer, said in ((named, own), (enforced, settings.enforced)):
        _note_arguments(layers, layer, said, apply_arguments(spec, said))
    _note_arguments(
        layers, defaults, settings.job_defaults, apply_arguments(spec, settings.job_defaults, only_missing=True)
    )
    manifest = _object_manifest(source, namespace)
    manifest["spec"] = spec
    return manifest, layers


def _laid(base: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    """Like merging, but nulls stay: a layer has to take away what an earlier one says."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _laid(cast(dict[str, object], below), cast(dict[str, object], value))
        elif isinstance(below, list) and isinstance(value, list):
            merged[key] = merge_mappings({key: cast(object, below)}, {key: cast(object, value)})[key]
        else:
            merged[key] = value
    return merged


def _note_arguments(layers: Layers, layer: Layer, said: JobSettings, changed: list[str]) -> None:
    for flag in changed:
        layers.arguments[flag] = layer
