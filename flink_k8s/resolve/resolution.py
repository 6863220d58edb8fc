"""Merges job files and stack config to the jobs of a stack, each in its namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from flink_k8s.config import sql_text
from flink_k8s.config.ingress import JobWithIngress, derived_ingress
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.merge import merge_into, merge_mappings, merge_settings, merged_with_nulls
from flink_k8s.config.model import JobSettings, StackSettings
from flink_k8s.config.namespace import NamespaceSettings
from flink_k8s.config.problems import Problem, nearest, similar
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FlinkKind, cluster_scoped, group_kind
from flink_k8s.facts.labels import labels
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve import drill, platform_objects
from flink_k8s.resolve.autoscaling import derived_autoscaling
from flink_k8s.resolve.availability import derived_availability
from flink_k8s.resolve.code_hash import CODE, hash_of_code
from flink_k8s.resolve.connectors import derived_connectors, with_image
from flink_k8s.resolve.fast_recovery import derived_recovery
from flink_k8s.resolve.internal_tls import derived_internal_tls
from flink_k8s.resolve.job_jar import Jars, derived_options
from flink_k8s.resolve.job_spec import (
    MERGE_BY_NAME,
    SUSPENDED,
    SUSPENDED_BY,
    arguments_of,
    derivations,
    derived_spec,
    flat_configuration,
    in_template,
    job_of,
    raw_spec,
    spec_of,
    suspended_spec,
)
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_templates import cluster_spec, with_every_mount
from flink_k8s.resolve.reporters import metrics_port
from flink_k8s.resolve.security_context import derived_security
from flink_k8s.resolve.sources import DEFAULTS, DERIVED, ENFORCED, IMAGES, JOB_FILE, ConfigSource, ConfigSources
from flink_k8s.resolve.sql import config_map, sql_spec
from flink_k8s.resolve.state_storage import (
    Resource,
    configuration_keys,
    derived_state,
    derived_store,
    inner_spec,
    keeps_state,
)
from flink_k8s.resolve.wordings import in_every_wording

_Value = TypeVar("_Value")

_NO_SETTINGS = JobSettings()


@dataclass(frozen=True)
class Resolved:
    """The job files of one stack, merged with its settings.

    Attributes:
        jobs: the jobs of the stack.
        attachments: the other objects of the files.
        problems: of the files and the stack config.
        replaced: objects of job files that the platform creates itself, and their namespaces.
        settings: of the stack, with the namespaces that job files name and the stack lacks: each of them is a problem,
            and its jobs are checked like all others.
    """

    jobs: tuple[Job, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]
    settings: StackSettings
    replaced: tuple[tuple[FileObject, str], ...] = ()


_Stacks = Sequence[tuple[StackSettings, StackConfig]]
"""The stacks with settings for all jobs: the platform's stack, if this stack is on a platform, and the stack itself."""


def resolve(
    settings: StackSettings,
    config: StackConfig,
    objects: Iterable[FileObject],
    root: Path = Path(),
    platform_settings: StackSettings | None = None,
    *,
    is_complete: bool = True,
) -> Resolved:
    """Merge each object with the stack's settings: derived < `jobDefaults` < job file < `jobs` < `enforced`.

    If the stack is on a platform, the platform's `jobDefaults` precede its own, and the platform's `enforced` follow.

    Args:
        settings: the stack's settings.
        config: the stack config, for problems.
        objects: of all job files.
        root: the project, with the code of jobs.
        platform_settings: settings of the platform's stack for all jobs; None if the stack is not on a platform.
        is_complete: whether all job files could be read. Otherwise an unknown name may be in another file.
    """
    objects = list(objects)
    stacks: _Stacks = [(settings, config)]
    if platform_settings is not None and config.platform_config is not None:
        stacks = [(platform_settings, config.platform_config), *stacks]
    defaults = [stack.job_defaults for stack, _ in stacks]
    enforced = [stack.enforced for stack, _ in reversed(stacks)]
    first_defaults, last_enforced = [*map(_as_in_file, defaults)], [*map(_as_in_file, enforced)]
    problems: list[Problem] = []
    keys = _keys_of_jobs(settings, config, objects, problems, is_complete=is_complete)
    placed: list[_PlacedJob] = []
    attachments: list[Attachment] = []
    by_identity: dict[tuple[str, str, str], FileObject] = {}
    without_namespace = cluster_scoped(source.manifest for source in objects)
    adopted = frozenset(settings.adopt)
    undeclared: dict[str, list[FileObject]] = {}
    replaced: list[tuple[FileObject, str]] = []
    for source in objects:
        own = settings.jobs.get(keys.get(id(source), ""), _NO_SETTINGS)
        overriding, defaulting = [*reversed(enforced), own], [*reversed(defaults)]
        namespace = _first_set(
            (*(item.namespace for item in overriding), source.namespace, *(item.namespace for item in defaulting)),
            settings.fallback_namespace,
        )
        is_enabled = _first_set(
            (*(item.enabled for item in overriding), source.enabled, *(item.enabled for item in defaulting)), True
        )
        is_off = source.is_job and not is_enabled
        restored_path = drill.path_of_copy(source, namespace, settings)
        if settings.is_drill:
            if restored_path is None:
                continue
            namespace = drill.namespace_of_copy(namespace)
        has_no_namespace = group_kind(source.manifest) in without_namespace
        if has_no_namespace and namespace not in settings.namespaces:
            namespace = settings.fallback_namespace
        if namespace not in settings.namespaces:
            if is_off:
                continue
            undeclared.setdefault(namespace, []).append(source)
        identity = (source.kind, "" if has_no_namespace else namespace, source.name)
        if identity in by_identity:
            document = by_identity[identity].document
            other = f"{document.file}:{document.line((*by_identity[identity].root, 'metadata', 'name'))}"
            problems.append(
                source.problem(("metadata", "name"), f'"{source.name}" is also declared in {other}; rename one of them')
            )
            continue
        by_identity[identity] = source
        if not source.is_job and platform_objects.is_made(source, namespace, settings):
            replaced.append((source, namespace))
            continue
        if not source.is_job:
            is_adopted = "/".join(identity) in adopted
            manifest = _object_manifest(source, None if has_no_namespace else namespace, with_labels=not is_adopted)
            attachments.append(Attachment(source, namespace, manifest, is_adopted))
            continue
        in_file = [_as_in_file(source.sql.settings)] if source.sql else []
        sources = [*first_defaults, *in_file, _as_in_file(own), *last_enforced]
        if source.sql and settings.is_drill and own.drill is not None:
            sources.append({"parameters": own.drill.parameters})
        if settings.is_drill:
            sources.append({"after": []})  # most of the other jobs and objects are not copied
        merged = JobSettings.model_validate(merge_settings(sources))
        if is_off:
            continue
        is_adopted = "/".join(identity) in adopted
        placed.append(_PlacedJob(source, namespace, own, keys.get(id(source)), merged, is_adopted, restored_path))
    problems += [] if settings.is_drill or not is_complete else _not_in_files(settings, config, by_identity)
    problems += _undeclared(undeclared, settings, config)
    namespaces = {**settings.namespaces, **{name: NamespaceSettings() for name in undeclared}}
    with_undeclared = settings.model_copy(update={"namespaces": namespaces}) if undeclared else settings
    jobs = tuple(_jobs(placed, with_undeclared, stacks, config, root))
    attachments += [_script(job, job.source.sql) for job in jobs if job.source.sql and job.kind.has_pods]
    return Resolved(jobs, tuple(attachments), tuple(problems), with_undeclared, tuple(replaced))


def _script(job: Job, sql: SqlFile) -> Attachment:
    """The ConfigMap with the script of a SQL job."""
    source = FileObject(job.source.document, config_map(sql, job.settings), sql=sql)
    return Attachment(source, job.namespace, _object_manifest(source, job.namespace, with_labels=True))


def _first_set(values: Iterable[_Value | None], default: _Value) -> _Value:
    """The first value that is not None, or the default."""
    return next((value for value in values if value is not None), default)


def _undeclared(
    undeclared: Mapping[str, Sequence[FileObject]], settings: StackSettings, config: StackConfig
) -> Iterator[Problem]:
    """A problem for each namespace that job files name and the stack lacks, at the first object in it."""
    file = (config.platform_config or config).file
    for name, (first, *more_jobs) in undeclared.items():
        suggestion = nearest(name, list(settings.namespaces))
        hint = f"{suggestion} Otherwise " if suggestion.startswith("did you mean") else ""
        alternative = f", or set jobs.{first.name}.namespace" if first.is_job and not more_jobs else ""
        count = f" (it has {len(more_jobs) + 1} objects)" if more_jobs else ""
        remedy = f"{hint}add it to namespaces in {file}{alternative}"
        path = ("metadata", "namespace")
        yield first.problem(path, f'is "{name}", which is not a namespace of this stack{count}; {remedy}')


def _not_in_files(
    settings: StackSettings, config: StackConfig, identities: Iterable[tuple[str, str, str]]
) -> Iterator[Problem]:
    """A problem for each adopted object that no job file contains."""
    names = ["/".join(identity) for identity in identities]
    for index, key in enumerate(settings.adopt):
        if key not in names:
            message = f'is "{key}", which is not an object in {_folders(settings)}; {nearest(key, names)}'
            yield config.problem(("adopt", index), message)


def _as_in_file(settings: JobSettings) -> dict[str, object]:
    """The settings that are set, by their keys in files."""
    return settings.model_dump(by_alias=True, exclude_unset=True)


@dataclass(frozen=True)
class _PlacedJob:
    """A Flink resource with its namespace and settings.

    Attributes:
        source: the object in its job file.
        namespace: of the deployed object.
        own: its settings in `jobs`.
        key: its key in `jobs`; None if it has none.
        merged: the merged settings of all sources.
        is_adopted: whether the stack takes over the existing object.
        restored_path: that its copy in a restore drill starts from; None if it is not such a copy.
    """

    source: FileObject
    namespace: str
    own: JobSettings
    key: str | None
    merged: JobSettings
    is_adopted: bool
    restored_path: str | None = None


def _jobs(
    placed: list[_PlacedJob], settings: StackSettings, stacks: _Stacks, config: StackConfig, root: Path
) -> list[Job]:
    """The jobs in the order of the files; session jobs are merged last, because they use their cluster's version."""
    merged_jobs: dict[int, Job] = {}
    jars = Jars(root, settings, config.stack)
    clusters: dict[tuple[str, str], Mapping[str, object]] = {}
    for job in sorted(placed, key=lambda job: job.source.kind == FlinkKind.SESSION_JOB):
        manifest, sources = _with_substitute_image(
            *_job_manifest(job, settings, stacks, config.stack, clusters, jars), job.source, settings, root
        )
        if job.source.kind == FlinkKind.DEPLOYMENT and job_of(cast(dict[str, object], manifest["spec"])) is None:
            clusters[job.namespace, job.source.name] = sources.merged(1)
        protect = False if settings.is_drill else job.merged.protect
        is_protected = settings.protect_jobs if protect is None else protect
        merged_jobs[id(job)] = Job(
            job.source,
            job.namespace,
            manifest,
            job.merged,
            sources,
            config,
            is_protected,
            job.own,
            job.is_adopted,
            jars.files.get(str((job_of(cast(dict[str, object], manifest["spec"])) or {}).get("jarURI"))),
        )
    return [merged_jobs[id(job)] for job in placed]


def _keys_of_jobs(
    settings: StackSettings,
    config: StackConfig,
    objects: list[FileObject],
    problems: list[Problem],
    *,
    is_complete: bool,
) -> dict[int, str]:
    """The key of `jobs` of each object; a key that matches no job or several jobs is a problem."""
    by_name: dict[str, list[FileObject]] = {}
    for source in objects:
        if source.is_job:
            by_name.setdefault(source.name, []).append(source)
            namespace = source.namespace or settings.fallback_namespace
            by_name.setdefault(f"{source.kind}/{namespace}/{source.name}", []).append(source)
    names = sorted({source.name for source in objects if source.is_job})
    keys: dict[int, str] = {}
    for key in settings.jobs:
        matches = by_name.get(key, [])
        if len(matches) == 1:
            if id(matches[0]) in keys:
                other_key = keys[id(matches[0])]
                problems.append(config.problem(("jobs", key), f'is the same job as "{other_key}"; remove one of them'))
            keys[id(matches[0])] = key
        elif matches:
            full = ", ".join(sorted(f"{s.kind}/{s.namespace or settings.fallback_namespace}/{s.name}" for s in matches))
            problems.append(config.problem(("jobs", key), f"matches several jobs; write one of: {full}"))
        elif is_complete or similar(key, names):
            problems.append(
                config.problem(("jobs", key), f"unknown job in {_folders(settings)}; {nearest(key, names)}")
            )
    return keys


def _folders(settings: StackSettings) -> str:
    return ", ".join(f"{folder}/" for folder in settings.job_folders) or "jobFolders, which is empty"


def _object_manifest(source: FileObject, namespace: str | None, *, with_labels: bool) -> dict[str, object]:
    """The object as it is deployed; a cluster-scoped object has no namespace."""
    manifest = dict(source.manifest)
    metadata = merge_mappings({"labels": labels(source.name)} if with_labels else {}, source.metadata)
    metadata.pop("namespace", None)
    manifest["metadata"] = {**metadata, "name": source.name, **({"namespace": namespace} if namespace else {})}
    return manifest


def _job_manifest(
    placed: _PlacedJob,
    settings: StackSettings,
    stacks: _Stacks,
    stack: str,
    clusters: Mapping[tuple[str, str], Mapping[str, object]],
    jars: Jars,
) -> tuple[dict[str, object], ConfigSources]:
    source, namespace, own = placed.source, placed.namespace, placed.own
    kind = FlinkKind(source.kind)
    ingress = JobWithIngress(kind, namespace, source.name, placed.merged.ingress, {})
    is_on = ingress.is_on(settings.ingress) and not settings.is_drill
    file_source = _file_source(source, placed.merged, has_ingress=is_on)
    file_spec = file_source.spec
    runs_job = job_of(file_spec) is not None

    has_own_path = "initialSavepointPath" in (job_of(file_spec) or {})

    def of_all(name: str, settings: JobSettings, config: StackConfig, *, stateful: bool) -> list[ConfigSource]:
        if not settings.model_fields_set:
            return []
        # A path in the job file wins over `jobDefaults`, and so does its nonce.
        restores = stateful and (name == ENFORCED or not has_own_path)
        spec = spec_of(settings, kind, runs_job=runs_job, keeps_state=stateful, has_ingress=is_on, restores=restores)
        merged = merged_with_nulls(spec, in_template(kind, raw_spec(settings, kind)))
        return [ConfigSource(name, merged, (name,), _with_arguments(settings, source), config)]

    own_spec = merged_with_nulls(
        spec_of(own, kind, runs_job=runs_job, has_ingress=is_on), flat_configuration(own.spec or {})
    )
    own_source = ConfigSource(f"jobs.{placed.key}", own_spec, ("jobs", str(placed.key)), _with_arguments(own, source))

    def later_sources(*, stateful: bool) -> list[ConfigSource]:
        sources = [file_source, own_source]
        for stack_settings, config in reversed(stacks):
            sources[:0] = of_all(DEFAULTS, stack_settings.job_defaults, config, stateful=stateful)
            sources += of_all(ENFORCED, stack_settings.enforced, config, stateful=stateful)
        worded = in_every_wording(kind, sources, own_source)
        specs = [jars.with_uri(kind, namespace, source.name, item.spec) for item in worded]
        return [
            item if spec is item.spec else replace(item, spec=spec) for item, spec in zip(worded, specs, strict=True)
        ]

    # Whether the job keeps state depends on the upgrade mode, the last source of which wins.
    jobs = [job_of(config_source.spec) or {} for config_source in later_sources(stateful=False)]
    modes = [job["upgradeMode"] for job in jobs if "upgradeMode" in job]
    later = later_sources(stateful=keeps_state({"upgradeMode": modes[-1]} if modes else {}))
    keys = configuration_keys(kind, (config_source.spec for config_source in later))
    cluster = (
        clusters.get((namespace, str(_last(later, kind, "deploymentName")))) if kind == FlinkKind.SESSION_JOB else None
    )
    names: Mapping[str, tuple[str, ...]] = {}
    if settings.is_drill or not tables.option_names(settings.operator.version).keys().isdisjoint(keys):
        version = _last(later, kind, "flinkVersion") if cluster is None else cluster.get("flinkVersion")
        names = tables.option_names(settings.operator.version, short_version(version))
    spec_without_derived = ConfigSources(later, option_names=names).merged()
    resource = Resource(kind, namespace, source.name, spec_without_derived, keys, cluster)
    own_configuration, version = mapping(resource.inner.get("flinkConfiguration")), resource.inner.get("flinkVersion")
    configuration = effective(own_configuration, settings.operator.configuration, namespace, version)
    port = metrics_port(configuration)
    parts = derivations(placed.merged, is_adopted=placed.is_adopted)
    derived = derived_spec(kind, runs_job=runs_job, metrics_port=port, parts=parts)
    if "state" in parts:
        merge_into(derived, derived_state(resource, settings, stack))
    merge_into(derived, derived_internal_tls(kind, source.name, placed.merged))
    operator = settings.operator.version
    recovery = derived_recovery(resource, placed.merged, configuration, derived, operator)
    merge_into(derived, recovery)
    scaling = derived_autoscaling(resource, placed.merged, configuration, operator)
    merge_into(derived, scaling)
    merge_into(derived, derived_availability(resource, placed.merged))
    merge_into(derived, derived_options(kind, spec_without_derived, settings.repository))
    if kind.has_pods and str((job_of(spec_without_derived) or {}).get("jarURI")) in jars.files:
        merge_into(derived, derived_store(resource, settings))
    if placed.merged.connectors and kind.has_pods:
        fetched = derived_connectors(
            placed.merged.connectors,
            resource.inner,
            settings.repository,
            inner_spec(kind, derived),
        )
        merge_into(derived, in_template(kind, fetched))
    if "security" in parts and settings.namespaces[namespace].pod_security != "privileged":
        derived = merge_mappings(derived_security(kind, resource.inner), derived)
    if "podTemplate" in inner_spec(kind, derived):
        # Otherwise the operator merges the job's own templates with the derived one by position.
        merge_into(derived, in_template(kind, {"flinkConfiguration": {MERGE_BY_NAME: "true"}}))
    derived |= derived_ingress(replace(ingress, spec=spec_without_derived), settings.ingress, settings.operator.version)
    suspended = settings.suspension.jobs.get(f"{kind}/{namespace}/{source.name}") if runs_job else None
    suspension = [ConfigSource(SUSPENDED_BY, suspended_spec(kind))] if suspended is not None else []
    copy: list[ConfigSource] = []
    if placed.restored_path is not None:
        drilled_version = resource.flink_version
        copied = drill.source_of_copy(kind, placed.restored_path, own.drill, configuration, operator, drilled_version)
        copy = [replace(copied, settings=_with_arguments(copied.settings, source))]
    sources = ConfigSources([ConfigSource(DERIVED, derived), *later, *suspension, *copy], option_names=names)
    spec = sources.merged()
    sources.arguments.update(sources.merge_parameters(spec))
    spec = _with_every_mount(kind, spec)
    manifest = _object_manifest(source, namespace, with_labels="labels" in parts)
    manifest["spec"] = spec
    if suspended is not None:
        metadata = cast(dict[str, object], manifest["metadata"])
        manifest["metadata"] = merge_mappings(metadata, {"annotations": {SUSPENDED: suspended}})
    return manifest, sources


def _file_source(source: FileObject, merged: JobSettings, *, has_ingress: bool) -> ConfigSource:
    """The job file as a source.

    Args:
        source: the object in the file.
        merged: the settings of all sources.
        has_ingress: whether the job has an ingress.
    """
    if source.sql is None:
        return ConfigSource(JOB_FILE, flat_configuration(cast(dict[str, object], source.manifest["spec"])))
    header = source.sql.settings
    spec = spec_of(header, FlinkKind(source.kind), runs_job=True, has_ingress=has_ingress)
    spec = merged_with_nulls(spec, flat_configuration(header.spec or {}))
    spec = merge_mappings(spec, sql_spec(source.sql, merged))
    return ConfigSource(JOB_FILE, spec, source.sql.settings_path, None, source.sql.config)


def _with_arguments(settings: JobSettings | None, source: FileObject) -> JobSettings | None:
    """The settings whose `parameters` are arguments of the job; in a SQL job they are variables of the script."""
    if settings is None or source.sql is None:
        return settings
    return settings.model_copy(update={"parameters": None})


def _with_substitute_image(
    manifest: dict[str, object], sources: ConfigSources, source: FileObject, settings: StackSettings, root: Path
) -> tuple[dict[str, object], ConfigSources]:
    """A job with the image that `images` of the stack config specifies instead of its own."""
    kind = FlinkKind(source.kind)
    spec = cast(dict[str, object], manifest["spec"])
    declared_image = str(inner_spec(kind, spec).get("image"))
    image = settings.images.get(declared_image)
    if image is None:
        return manifest, sources
    if CODE in image:
        uses_modules = source.sql is not None and sql_text.uses_python(source.sql.script)
        image = image.replace(CODE, hash_of_code(root, [] if uses_modules else arguments_of(spec)))
    substitutes = {"image": image, **with_image(inner_spec(kind, spec), image)}
    config_source = ConfigSource(IMAGES, in_template(kind, substitutes), (IMAGES, declared_image))
    return {**manifest, "spec": merge_mappings(spec, config_source.spec)}, replace(
        sources, ordered=[*sources.ordered, config_source]
    )


def _with_every_mount(kind: str, spec: dict[str, object]) -> dict[str, object]:
    inner = cluster_spec(kind, spec)
    if str(mapping(inner.get("flinkConfiguration")).get(MERGE_BY_NAME)).lower() != "true":
        return spec
    with_mounts = with_every_mount(cast(dict[str, object], inner))
    if with_mounts is inner:
        return spec
    return (
        {**spec, "template": {**mapping(spec.get("template")), "spec": with_mounts}}
        if inner is not spec
        else with_mounts
    )


def _last(sources: list[ConfigSource], kind: str, field: str) -> object:
    """The value of a field in the last source that sets it; None if no source sets it."""
    value = (inner_spec(kind, config_source.spec).get(field) for config_source in reversed(sources))
    return next((value for value in value if value is not None), None)
