"""From job files and stack config to the jobs of a stack: whose settings are whose, in which namespace, merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from flink_k8s.config.ingress import JobWithIngress, derived_ingress
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.merge import merge_mappings, merge_settings
from flink_k8s.config.model import JobSettings, StackSettings
from flink_k8s.config.namespace import NamespaceSettings
from flink_k8s.config.problems import Problem, nearest
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FlinkKind, cluster_scoped, group_kind
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve import platform_objects
from flink_k8s.resolve.code_hash import CODE, code
from flink_k8s.resolve.internal_tls import derived_internal_tls
from flink_k8s.resolve.job_spec import (
    MERGE_BY_NAME,
    SUSPENDED,
    SUSPENDED_BY,
    arguments_of,
    derived_spec,
    flat_configuration,
    in_template,
    job_of,
    raw_spec,
    spec_of,
    suspended_spec,
)
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.pod_templates import cluster_spec, with_every_mount
from flink_k8s.resolve.security_context import derived_security
from flink_k8s.resolve.sources import DEFAULTS, ENFORCED, IMAGES, JOB_FILE, Layer, Layers
from flink_k8s.resolve.state_storage import Resource, configuration_keys, derived_state, inner_spec, keeps_state
from flink_k8s.resolve.wordings import in_every_wording


@dataclass(frozen=True)
class Resolved:
    """The job files of one stack, merged with its settings.

    Attributes:
        jobs: its jobs.
        attachments: what else the files hold.
        problems: what is wrong.
        replaced: objects of job files that the platform creates itself, and their namespaces.
        settings: of the stack, with the namespaces that job files name and the stack lacks: each of these is a problem,
            and the jobs in it are checked like all others.
    """

    jobs: tuple[Job, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]
    settings: StackSettings
    replaced: tuple[tuple[FileObject, str], ...] = ()


_Stacks = Sequence[tuple[StackSettings, StackConfig]]
"""Those that say something of all jobs: the platform's, where it is another one, and the stack itself."""


def resolve(
    settings: StackSettings,
    config: StackConfig,
    objects: Iterable[FileObject],
    root: Path = Path(),
    below: StackSettings | None = None,
) -> Resolved:
    """Merges each object with the stack's settings, in the order: what the platform derives < `jobDefaults` < the
    job file < `jobs` < `enforced`; of a stack on another one's platform, that one's `jobDefaults` are under its own and
    that one's `enforced` over its own.

    Args:
        settings: the stack's settings.
        config: where they stand, for problems.
        objects: of all job files.
        root: the project, with the code of jobs.
        below: what the platform's stack says of all jobs; None where the stack holds its platform itself.
    """
    objects = list(objects)
    stacks: _Stacks = [(settings, config)]
    if below is not None and config.platform_config is not None:
        stacks = [(below, config.platform_config), *stacks]
    defaults = [said.job_defaults for said, _ in stacks]
    enforced = [said.enforced for said, _ in reversed(stacks)]
    first, last = [_written(one) for one in defaults], [_written(one) for one in enforced]
    problems: list[Problem] = []
    keys = _keys_of_jobs(settings, config, objects, problems)
    placed: list[_Placed] = []
    attachments: list[Attachment] = []
    taken: dict[tuple[str, str, str], FileObject] = {}
    without_namespace = cluster_scoped(source.manifest for source in objects)
    undeclared: dict[str, list[FileObject]] = {}
    replaced: list[tuple[FileObject, str]] = []
    for source in objects:
        own = settings.jobs.get(keys.get(id(source), ""), JobSettings.model_validate({}))
        above, under = [*reversed(enforced), own], [*reversed(defaults)]
        spaces = (*(one.namespace for one in above), source.namespace, *(one.namespace for one in under))
        namespace = next((said for said in spaces if said is not None), settings.first_namespace)
        switches = (*(one.enabled for one in above), source.enabled, *(one.enabled for one in under))
        is_off = source.is_job and next((said for said in switches if said is not None), True) is False
        has_no_namespace = group_kind(source.manifest) in without_namespace
        if has_no_namespace and namespace not in settings.namespaces:
            namespace = settings.first_namespace
        if namespace not in settings.namespaces:
            if is_off:
                continue
            undeclared.setdefault(namespace, []).append(source)
        identity = (source.kind, "" if has_no_namespace else namespace, source.name)
        if identity in taken:
            there = taken[identity].document
            other = f"{there.file}:{there.line((*taken[identity].root, 'metadata', 'name'))}"
            problems.append(
                source.problem(("metadata", "name"), f'"{source.name}" is in {other} too; name one otherwise')
            )
            continue
        taken[identity] = source
        if not source.is_job and platform_objects.is_made(source, namespace, settings):
            replaced.append((source, namespace))
            continue
        if not source.is_job:
            manifest = _object_manifest(source, None if has_no_namespace else namespace)
            attachments.append(Attachment(source, namespace, manifest))
            continue
        merged = JobSettings.model_validate(merge_settings([*first, _written(own), *last]))
        if is_off:
            continue
        placed.append(_Placed(source, namespace, own, keys.get(id(source)), merged))
    problems += _undeclared(undeclared, settings, config)
    namespaces = {**settings.namespaces, **{name: NamespaceSettings() for name in undeclared}}
    assumed = settings.model_copy(update={"namespaces": namespaces}) if undeclared else settings
    jobs = tuple(_jobs(placed, assumed, stacks, config, root))
    return Resolved(jobs, tuple(attachments), tuple(problems), assumed, tuple(replaced))


def _undeclared(
    undeclared: Mapping[str, Sequence[FileObject]], settings: StackSettings, config: StackConfig
) -> Iterator[Problem]:
    """A problem for each namespace that objects are in and the stack lacks, at the first of them."""
    file = (config.platform_config or config).file
    for name, (first, *others) in undeclared.items():
        near = nearest(name, list(settings.namespaces))
        hint = f"{near} Otherwise " if near.startswith("did you mean") else ""
        instead = f", or set jobs.{first.name}.namespace" if first.is_job and not others else ""
        count = f" (it has {len(others) + 1} objects)" if others else ""
        cure = f"{hint}add it to namespaces in {file}{instead}"
        path = ("metadata", "namespace")
        yield first.problem(path, f'is "{name}", which is not a namespace of this stack{count}; {cure}')


def _written(settings: JobSettings) -> dict[str, object]:
    """What was said of the settings, by their names in files."""
    return settings.model_dump(by_alias=True, exclude_unset=True)


@dataclass(frozen=True)
class _Placed:
    """A Flink resource whose place and settings are known.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        own: what `jobs` says of it.
        key: the key of `jobs` that does; None when none does.
        merged: the stack's settings for it, of all layers.
    """

    source: FileObject
    namespace: str
    own: JobSettings
    key: str | None
    merged: JobSettings


def _jobs(
    placed: list[_Placed], settings: StackSettings, stacks: _Stacks, config: StackConfig, root: Path
) -> list[Job]:
    """In the order of the files; session jobs are made last, since they have their cluster's Flink version."""
    made: dict[int, Job] = {}
    clusters: dict[tuple[str, str], Mapping[str, object]] = {}
    for one in sorted(placed, key=lambda one: one.source.kind == FlinkKind.SESSION_JOB):
        manifest, layers = _built(
            *_job_manifest(one, settings, stacks, config.stack, clusters), FlinkKind(one.source.kind), settings, root
        )
        if one.source.kind == FlinkKind.DEPLOYMENT and job_of(cast(dict[str, object], manifest["spec"])) is None:
            clusters[one.namespace, one.source.name] = layers.merged(1)
        said = one.merged.protect
        is_protected = settings.protect_jobs if said is None else said
        made[id(one)] = Job(one.source, one.namespace, manifest, one.merged, layers, config, is_protected, one.own)
    return [made[id(one)] for one in placed]


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
            problems.append(config.problem(("jobs", key), f"is no job in {_folders(settings)}; {nearest(key, names)}"))
    return keys


def _folders(settings: StackSettings) -> str:
    return ", ".join(f"{folder}/" for folder in settings.job_folders) or "any folder: jobFolders is empty"


def _object_manifest(source: FileObject, namespace: str | None) -> dict[str, object]:
    """The object as it is deployed; without a namespace where its kind has none."""
    manifest = {key: value for key, value in source.manifest.items() if key != "status"}
    metadata = merge_mappings({"labels": labels(source.name)}, source.metadata)
    metadata.pop("namespace", None)
    manifest["metadata"] = {**metadata, "name": source.name, **({"namespace": namespace} if namespace else {})}
    return manifest


def _job_manifest(
    placed: _Placed,
    settings: StackSettings,
    stacks: _Stacks,
    stack: str,
    clusters: Mapping[tuple[str, str], Mapping[str, object]],
) -> tuple[dict[str, object], Layers]:
    source, namespace, own = placed.source, placed.namespace, placed.own
    kind = FlinkKind(source.kind)
    written = flat_configuration(cast(dict[str, object], source.manifest["spec"]))
    runs_job = job_of(written) is not None

    ingress = JobWithIngress(kind, namespace, source.name, placed.merged.ingress, {})
    is_on = ingress.is_on(settings.ingress)

    def of_all(name: str, said: JobSettings, config: StackConfig, *, stateful: bool) -> list[Layer]:
        if not said.model_fields_set:
            return []
        spec = spec_of(said, kind, runs_job=runs_job, keeps_state=stateful, has_ingress=is_on)
        return [Layer(name, _laid(spec, in_template(kind, raw_spec(said, kind))), (name,), said, config)]

    mine = _laid(spec_of(own, kind, runs_job=runs_job, has_ingress=is_on), flat_configuration(own.spec or {}))
    named = Layer(f"jobs.{placed.key}", mine, ("jobs", str(placed.key)), own)

    def later_layers(*, stateful: bool) -> list[Layer]:
        layers = [Layer(JOB_FILE, written), named]
        for said, config in reversed(stacks):
            layers[:0] = of_all(DEFAULTS, said.job_defaults, config, stateful=stateful)
            layers += of_all(ENFORCED, said.enforced, config, stateful=stateful)
        return in_every_wording(kind, layers, named)

    # What keeps state is known when all layers have spoken of the upgrade mode.
    jobs = [job_of(layer.spec) or {} for layer in later_layers(stateful=False)]
    modes = [job["upgradeMode"] for job in jobs if "upgradeMode" in job]
    said = later_layers(stateful=keeps_state({"upgradeMode": modes[-1]} if modes else {}))
    keys = configuration_keys(kind, (layer.spec for layer in said))
    cluster = (
        clusters.get((namespace, str(_last(said, kind, "deploymentName")))) if kind == FlinkKind.SESSION_JOB else None
    )
    names: Mapping[str, tuple[str, ...]] = {}
    if not tables.option_names(settings.operator.version).keys().isdisjoint(keys):
        version = _last(said, kind, "flinkVersion") if cluster is None else cluster.get("flinkVersion")
        names = tables.option_names(settings.operator.version, short_version(version))
    below = Layers(said, option_names=names).merged()
    resource = Resource(kind, namespace, source.name, below, keys, cluster)
    platform = merge_mappings(derived_spec(kind, runs_job=runs_job), derived_state(resource, settings, stack))
    platform = merge_mappings(platform, derived_internal_tls(kind, source.name, placed.merged))
    if settings.namespaces[namespace].pod_security != "privileged":
        platform = merge_mappings(derived_security(kind, resource.inner), platform)
    platform |= derived_ingress(replace(ingress, spec=below), settings.ingress, settings.operator.version)
    suspended = settings.suspension.jobs.get(f"{kind}/{namespace}/{source.name}") if runs_job else None
    above = [Layer(SUSPENDED_BY, suspended_spec(kind))] if suspended is not None else []
    layers = Layers([Layer("platform", platform), *said, *above], option_names=names)
    spec = layers.merged()
    layers.arguments.update(layers.lay_parameters(spec))
    spec = _with_every_mount(kind, spec)
    manifest = _object_manifest(source, namespace)
    manifest["spec"] = spec
    if suspended is not None:
        metadata = cast(dict[str, object], manifest["metadata"])
        manifest["metadata"] = merge_mappings(metadata, {"annotations": {SUSPENDED: suspended}})
    return manifest, layers


def _built(
    manifest: dict[str, object], layers: Layers, kind: FlinkKind, settings: StackSettings, root: Path
) -> tuple[dict[str, object], Layers]:
    """A job with the image that `images` puts in the place of the one that it names."""
    spec = cast(dict[str, object], manifest["spec"])
    said = str(inner_spec(kind, spec).get("image"))
    instead = settings.images.get(said)
    if instead is None:
        return manifest, layers
    if CODE in instead:
        instead = instead.replace(CODE, code(root, arguments_of(spec)))
    layer = Layer(IMAGES, in_template(kind, {"image": instead}), (IMAGES, said))
    return {**manifest, "spec": merge_mappings(spec, layer.spec)}, replace(layers, ordered=[*layers.ordered, layer])


def _with_every_mount(kind: str, spec: dict[str, object]) -> dict[str, object]:
    inner = cluster_spec(kind, spec)
    if str(mapping(inner.get("flinkConfiguration")).get(MERGE_BY_NAME)).lower() != "true":
        return spec
    whole = with_every_mount(cast(dict[str, object], inner))
    if whole is inner:
        return spec
    return {**spec, "template": {**mapping(spec.get("template")), "spec": whole}} if inner is not spec else whole


def _last(layers: list[Layer], kind: str, field: str) -> object:
    """What the last of the layers that has the field says it is; None where none has it."""
    said = (inner_spec(kind, layer.spec).get(field) for layer in reversed(layers))
    return next((value for value in said if value is not None), None)


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
