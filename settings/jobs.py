"""From job files and stack config to the manifests that Kubernetes gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from settings.job_files import FileObject
from settings.merge import merge_mappings
from settings.model import JOB_ACCOUNT, JobSettings, Process, StackSettings
from settings.problems import Problem, nearest
from settings.stack_file import StackConfig

MAIN_CONTAINER = "flink-main-container"
"""The container that the operator takes for Flink's own in a pod template."""

PROMETHEUS_REPORTER = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"

METRICS_PORT = 9249
"""Where JobManagers and TaskManagers answer Prometheus; Flink's default."""


@dataclass(frozen=True)
class Job:
    """One Flink resource as it will be applied.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        manifest: the merged object: apiVersion, kind, metadata, spec.
        settings: the merged settings of the stack for it.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
    settings: JobSettings

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
        jobs.append(Job(source, namespace, _job_manifest(source, namespace, settings, own), merged))
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


def _job_manifest(source: FileObject, namespace: str, settings: StackSettings, own: JobSettings) -> dict[str, object]:
    kind = source.kind
    written = _flat_configuration(cast(dict[str, object], source.manifest["spec"]))
    runs_job = job_of(written) is not None
    spec = merge_mappings(derived_spec(kind), spec_of(settings.job_defaults, kind, runs_job=runs_job))
    spec = merge_mappings(spec, _in_template(kind, _raw_spec(settings.job_defaults, kind)))
    spec = merge_mappings(spec, written)
    spec = merge_mappings(spec, spec_of(own, kind, runs_job=runs_job))
    if own.spec is not None:
        spec = merge_mappings(spec, _flat_configuration(own.spec))
    spec = merge_mappings(spec, spec_of(settings.enforced, kind, runs_job=runs_job))
    spec = merge_mappings(spec, _in_template(kind, _raw_spec(settings.enforced, kind)))
    for layer in (own, settings.enforced):
        _apply_arguments(spec, layer)
    _apply_arguments(spec, settings.job_defaults, only_missing=True)
    manifest = _object_manifest(source, namespace)
    manifest["spec"] = spec
    return manifest


def derived_spec(kind: str) -> dict[str, object]:
    """What the platform gives every job before anybody is asked: account, metrics with their declared port."""
    if kind in ("FlinkSessionJob", "FlinkStateSnapshot"):
        return {}
    spec: dict[str, object] = {
        "serviceAccount": JOB_ACCOUNT,
        "flinkConfiguration": {
            "metrics.reporter.prom.factory.class": PROMETHEUS_REPORTER,
            "metrics.reporter.prom.port": str(METRICS_PORT),
            # Without it the operator lays a job's own templates onto this one by position.
            "kubernetes.operator.pod-template.merge-arrays-by-name": "true",
        },
        "podTemplate": {
            "spec": {
                "containers": [{"name": MAIN_CONTAINER, "ports": [{"name": "metrics", "containerPort": METRICS_PORT}]}]
            }
        },
    }
    return _in_template(kind, spec)


def _raw_spec(settings: JobSettings, kind: str) -> dict[str, object]:
    """`spec` of a layer that speaks of all jobs: it means those with pods of their own."""
    if settings.spec is None or kind in ("FlinkSessionJob", "FlinkStateSnapshot"):
        return {}
    return _flat_configuration(settings.spec)


def spec_of(settings: JobSettings, kind: str, *, runs_job: bool) -> dict[str, object]:
    """The part of a resource's spec that a layer of settings asks for.

    Arguments are apart, in `_apply_arguments`, and `spec` is, since it is merged last.

    Args:
        settings: the layer.
        kind: of the resource.
        runs_job: false for a session cluster and a snapshot, which must not get a `job`.
    """
    spec: dict[str, object] = {}
    job: dict[str, object] = {}
    for key, value in (("image", settings.image), ("flinkVersion", settings.flink_version)):
        if value is not None:
            spec[key] = value
    for key, value in (
        ("parallelism", settings.parallelism),
        ("upgradeMode", settings.upgrade_mode),
        ("state", settings.state),
    ):
        if value is not None:
            job[key] = value
    for key, process in (("jobManager", settings.job_manager), ("taskManager", settings.task_manager)):
        if process is not None:
            spec[key] = _process_spec(process)
    if settings.flink_configuration is not None:
        spec["flinkConfiguration"] = flat(settings.flink_configuration)
    if settings.restart_nonce is not None:
        spec["restartNonce"] = settings.restart_nonce
    env = _environment(settings)
    if env:
        spec["podTemplate"] = {"spec": {"containers": [{"name": MAIN_CONTAINER, "env": env}]}}
    if job and runs_job:
        spec["job"] = job
    if kind in ("FlinkSessionJob", "FlinkStateSnapshot"):
        # Neither has pods or an image of its own: of the rest only these mean something there.
        spec = {key: value for key, value in spec.items() if key in ("job", "flinkConfiguration", "restartNonce")}
    if kind == "FlinkStateSnapshot":
        spec = {}
    return _in_template(kind, spec)


def _in_template(kind: str, spec: dict[str, object]) -> dict[str, object]:
    return {"template": {"spec": spec}} if kind == "FlinkBlueGreenDeployment" and spec else spec


def _process_spec(process: Process) -> dict[str, object]:
    resource = {key: value for key, value in (("memory", process.memory), ("cpu", process.cpu)) if value is not None}
    spec: dict[str, object] = {"resource": resource} if resource else {}
    if process.replicas is not None:
        spec["replicas"] = process.replicas
    return spec


def _environment(settings: JobSettings) -> list[dict[str, object]]:
    plain: list[dict[str, object]] = [{"name": name, "value": value} for name, value in (settings.env or {}).items()]
    secret: list[dict[str, object]] = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": key.secret, "key": key.key}}}
        for name, key in (settings.secret_env or {}).items()
    ]
    return plain + secret


def job_of(spec: Mapping[str, object]) -> dict[str, object] | None:
    """The `job` of a spec, wherever the kind has it; None for a session cluster or a snapshot."""
    template = spec.get("template")
    if isinstance(template, dict):
        inner = cast(dict[str, object], template).get("spec")
        return job_of(cast(dict[str, object], inner)) if isinstance(inner, dict) else None
    job = spec.get("job")
    return cast(dict[str, object], job) if isinstance(job, dict) else None


def _apply_arguments(spec: dict[str, object], settings: JobSettings, *, only_missing: bool = False) -> None:
    """Lays `args` and `parameters` of one layer onto the job's arguments.

    `--key value` stays one pair however many layers set it: the pair that is there is changed in place, a new one is
    appended. With `only_missing` (for `jobDefaults`, which the job file overrides) what is there stays.
    """
    job = job_of(spec)
    if job is None:
        return
    if settings.args is not None and not (only_missing and "args" in job):
        job["args"] = list(settings.args)
    if settings.parameters is None:
        return
    args = [str(arg) for arg in cast(list[object], job.get("args") or [])]
    for key, value in settings.parameters.items():
        args = with_parameter(args, key, value, only_missing=only_missing)
    job["args"] = args


def with_parameter(args: list[str], key: str, value: str | None, *, only_missing: bool = False) -> list[str]:
    """The arguments with `--key value` in them; without `--key` when the value is None.

    `--key=value` is recognised as well as `--key value`.
    """
    flag = f"--{key}"
    result: list[str] = []
    found = False
    skip = False
    for index, arg in enumerate(args):
        if skip:
            skip = False
            continue
        name, equals, _ = arg.partition("=")
        if name != flag:
            result.append(arg)
            continue
        takes_next = not equals and index + 1 < len(args) and not args[index + 1].startswith("--")
        skip = takes_next
        if only_missing and value is not None:
            result += args[index : index + 2] if takes_next else [arg]
        elif value is not None and not found:
            result += [flag, value]
        found = True
    if not found and value is not None:
        result += [flag, value]
    return result


def flat(configuration: Mapping[str, object]) -> dict[str, object]:
    """Flink configuration with dotted keys and text as values, whatever mixture of nested and flat keys it was.

    Null stays null: it takes the key away when layers are merged.
    """
    result: dict[str, object] = {}
    for key, value in configuration.items():
        if isinstance(value, dict):
            for inner, leaf in flat(cast(dict[str, object], value)).items():
                result[f"{key}.{inner}"] = leaf
        elif isinstance(value, bool):
            result[key] = str(value).lower()
        elif isinstance(value, list):
            result[key] = ";".join(str(item) for item in cast(list[object], value))
        else:
            result[key] = None if value is None else str(value)
    return result


def _flat_configuration(spec: Mapping[str, object]) -> dict[str, object]:
    """The spec with its flinkConfiguration flat, in a blue/green template too."""
    result = dict(spec)
    configuration = result.get("flinkConfiguration")
    if isinstance(configuration, dict):
        result["flinkConfiguration"] = flat(cast(dict[str, object], configuration))
    template = result.get("template")
    if isinstance(template, dict):
        inner = cast(dict[str, object], template)
        if isinstance(inner.get("spec"), dict):
            result["template"] = {**inner, "spec": _flat_configuration(cast(dict[str, object], inner["spec"]))}
    return result
