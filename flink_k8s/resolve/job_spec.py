"""The part of a resource's spec of each source: derived values, fields from settings, arguments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import cast

from flink_k8s.config.model import DERIVATIONS, JOB_ACCOUNT, Derivation, JobSettings, Process
from flink_k8s.config.restore_request import NONE
from flink_k8s.facts.kinds import FlinkKind

MAIN_CONTAINER = "flink-main-container"
"""Name of Flink's container in a pod template."""

PROMETHEUS_REPORTER = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"

SUSPENDED_BY = "make suspend"
"""The last source, of a job that a user has suspended."""

SUSPENDED = "flink-k8s/suspended"
"""The annotation of a suspended job with time and user, which records the suspension in the engine's state."""

SAVEPOINT_ON_DELETION = "kubernetes.operator.job.savepoint-on-deletion"

MERGE_BY_NAME = "kubernetes.operator.pod-template.merge-arrays-by-name"

METRICS_PORT = 9249
"""The port of the metrics of JobManagers and TaskManagers; Flink's default."""


def derivations(settings: JobSettings, *, is_adopted: bool) -> Collection[Derivation]:
    """The parts of a job that the platform derives: by default all, and none of an adopted job.

    Args:
        settings: the merged settings of the job.
        is_adopted: whether the stack has taken over the job from the cluster.
    """
    if settings.derive is not None:
        return frozenset(settings.derive)
    return frozenset() if is_adopted else DERIVATIONS


def derived_spec(
    kind: FlinkKind,
    *,
    runs_job: bool,
    metrics_port: int = METRICS_PORT,
    parts: Collection[Derivation] = DERIVATIONS,
) -> dict[str, object]:
    """Derived values of every job: the ServiceAccount, metrics with a port, and no submission of jobs by REST.

    Job submission is disabled because the REST endpoint is unauthenticated.

    Args:
        kind: of the resource.
        runs_job: false for a session cluster, to which the operator submits jobs by REST.
        metrics_port: of the reporter that the job starts.
        parts: that are derived.
    """
    if not kind.has_pods:
        return {}
    spec: dict[str, object] = {}
    configuration: dict[str, object] = {}
    if "account" in parts:
        spec["serviceAccount"] = JOB_ACCOUNT
    if "metrics" in parts:
        configuration |= {
            "metrics.reporter.prom.factory.class": PROMETHEUS_REPORTER,
            "metrics.reporter.prom.port": str(METRICS_PORT),
            # Keep names unchanged: by default the reporter replaces my-job by my_job.
            "metrics.reporter.prom.filterLabelValueCharacters": "false",
            # Export the job's state as a metric; Flink's default exports only times.
            "metrics.job.status.enable": "STATE;CURRENT_TIME;TOTAL_TIME",
        }
        port = {"name": MAIN_CONTAINER, "ports": [{"name": "metrics", "containerPort": metrics_port}]}
        spec["podTemplate"] = {"spec": {"containers": [port]}}
    if "submission" in parts and runs_job:
        configuration["web.submit.enable"] = "false"
    if configuration:
        spec["flinkConfiguration"] = configuration
    return in_template(kind, spec)


def raw_spec(settings: JobSettings, kind: FlinkKind) -> dict[str, object]:
    """`spec` of a source for all jobs: it applies to resources that run pods."""
    if settings.spec is None or not kind.has_pods:
        return {}
    return flat_configuration(settings.spec)


def spec_of(
    settings: JobSettings,
    kind: FlinkKind,
    *,
    runs_job: bool,
    keeps_state: bool = True,
    has_ingress: bool = False,
    restores: bool = True,
) -> dict[str, object]:
    """The part of a resource's spec that a source of settings sets.

    Without `parameters`, which `apply_parameters` merges, and without `spec`, which is merged last.

    Args:
        settings: of the source.
        kind: of the resource.
        runs_job: false for a session cluster and a snapshot, which must not get a `job`.
        keeps_state: false if `savepointOnDeletion` does not apply to the job.
        has_ingress: whether the job has an ingress.
        restores: false if `restoreFrom` does not apply to the job.
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
        ("args", settings.args),
    ):
        if value is not None:
            job[key] = value
    for key, process in (("jobManager", settings.job_manager), ("taskManager", settings.task_manager)):
        if process is not None:
            spec[key] = _process_spec(process)
    if settings.restore_from is not None and restores:
        # `none` removes the path of an earlier source.
        path = settings.restore_from
        job |= restored_from(path) if path != NONE else dict.fromkeys(restored_from(path))
    configuration: dict[str, object] = {}
    if settings.savepoint_on_deletion is not None and runs_job and keeps_state:
        configuration[SAVEPOINT_ON_DELETION] = str(settings.savepoint_on_deletion).lower()
    configuration |= flat(settings.flink_configuration or {})
    if configuration:
        spec["flinkConfiguration"] = configuration
    if settings.restart_nonce is not None:
        spec["restartNonce"] = settings.restart_nonce
    if pod := _pod(settings):
        spec["podTemplate"] = {"spec": pod}
    if job and runs_job:
        spec["job"] = job
    if not kind.has_pods:
        # Both run no pods: only these fields apply to them.
        spec = {key: value for key, value in spec.items() if key in ("job", "flinkConfiguration", "restartNonce")}
    if kind == FlinkKind.SNAPSHOT:
        spec = {}
    spec = in_template(kind, spec)
    if settings.ingress is not None and kind.has_pods:
        spec |= settings.ingress.spec(is_on=has_ingress)
    return spec


def suspended_spec(kind: FlinkKind) -> dict[str, object]:
    """The part of a spec that suspends a job.

    After a savepoint the operator keeps the JobManager running for a day, by default; a suspended job must not use
    resources. A blue/green deployment passes the state to its FlinkDeployment, but not the configuration.
    """
    spec: dict[str, object] = {"job": {"state": "suspended"}}
    if kind == FlinkKind.DEPLOYMENT:
        spec["flinkConfiguration"] = {"kubernetes.operator.jm-deployment.shutdown-ttl": "1 s"}
    return in_template(kind, spec)


def restored_from(path: str) -> dict[str, object]:
    """The part of a `job` that starts it from a savepoint.

    The operator reads the path only at the first deployment and after a change of the nonce, so the nonce is a hash of
    the path. Removing both has no effect. A request that the cluster resolves is in the place of the path until then.
    """
    nonce = int(hashlib.sha256(path.encode()).hexdigest()[:8], 16)
    return {"initialSavepointPath": path, "savepointRedeployNonce": nonce}


def in_template(kind: FlinkKind, spec: dict[str, object]) -> dict[str, object]:
    """The spec at its place in the kind: in the template of a blue/green deployment."""
    return {"template": {"spec": spec}} if kind == FlinkKind.BLUE_GREEN and spec else spec


def _process_spec(process: Process) -> dict[str, object]:
    resource = {key: value for key, value in (("memory", process.memory), ("cpu", process.cpu)) if value is not None}
    spec: dict[str, object] = {"resource": resource} if resource else {}
    if process.replicas is not None:
        spec["replicas"] = process.replicas
    return spec


def _pod(settings: JobSettings) -> dict[str, object]:
    """Flink's container with environment and files; empty if neither is set."""
    container: dict[str, object] = {}
    if env := _environment(settings):
        container["env"] = env
    volumes: list[dict[str, object]] = []
    for folder, files in (settings.secret_files or {}).items():
        name = secret_volume(folder)
        mount: dict[str, object] = {"mountPath": folder, "name": name, "readOnly": True}
        volume: dict[str, object] = {"name": name}
        if files is None:
            mount = {"mountPath": folder, "$patch": "delete"}
            volume["$patch"] = "delete"
        else:
            items = [{"key": key, "path": file} for file, key in (files.files or {}).items()]
            # Null removes the keys of an earlier source.
            volume["secret"] = {"secretName": files.secret, "items": items or None}
        container["volumeMounts"] = [*cast("list[object]", container.get("volumeMounts", [])), mount]
        volumes.append(volume)
    if not container:
        return {}
    pod: dict[str, object] = {"containers": [{"name": MAIN_CONTAINER, **container}]}
    return {**pod, "volumes": volumes} if volumes else pod


def secret_volume(folder: str) -> str:
    """Name of the volume that is mounted at a folder of `secretFiles`; the same in all sources."""
    readable = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:40].rstrip("-")
    return f"secret-{readable}-{hashlib.sha256(folder.encode()).hexdigest()[:6]}"


def _environment(settings: JobSettings) -> list[dict[str, object]]:
    plain: list[dict[str, object]] = [
        {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}
        for name, value in (settings.env or {}).items()
    ]
    secret: list[dict[str, object]] = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": key.secret, "key": key.key}}}
        for name, key in (settings.secret_env or {}).items()
    ]
    return plain + secret


def job_of(spec: Mapping[str, object]) -> dict[str, object] | None:
    """The `job` of a spec of any kind; None for a session cluster or a snapshot."""
    return _object_of(spec, "job")


def configuration_of(spec: Mapping[str, object]) -> dict[str, object] | None:
    """The `flinkConfiguration` of a spec of any kind; None if it has none."""
    return _object_of(spec, "flinkConfiguration")


def _object_of(spec: Mapping[str, object], field: str) -> dict[str, object] | None:
    template = spec.get("template")
    if isinstance(template, dict):
        inner = cast(dict[str, object], template).get("spec")
        return _object_of(cast(dict[str, object], inner), field) if isinstance(inner, dict) else None
    value = spec.get(field)
    return cast(dict[str, object], value) if isinstance(value, dict) else None


def arguments_of(spec: Mapping[str, object]) -> list[str]:
    """The job's arguments; empty if the spec has no job, or its arguments are not a list."""
    args = (job_of(spec) or {}).get("args")
    return [str(arg) for arg in cast(list[object], args)] if isinstance(args, list) else []


def apply_parameters(
    spec: dict[str, object], parameters: Mapping[str, str | None] | None, *, only_missing: bool = False
) -> list[str]:
    """Merge the `parameters` of one source into the job's arguments.

    An existing pair `--key value` is changed in place, and a new pair is appended. With `only_missing` (for
    `jobDefaults`, which the job file overrides) existing pairs are kept.

    Returns:
        The flags that were set.
    """
    job = job_of(spec)
    if not parameters or job is None or not isinstance(job.get("args") or [], list):
        return []  # the rule `wrong-type` reports arguments that are not a list
    args = arguments_of(spec)
    flags = {f"--{key}": value for key, value in parameters.items()}
    if only_missing:
        existing = {arg.partition("=")[0] for arg in args}
        flags = {flag: value for flag, value in flags.items() if value is not None and flag not in existing}
    args = with_parameters(args, flags)
    if args or "args" in job:
        job["args"] = args
    return list(flags)


def with_parameters(args: list[str], flags: Mapping[str, str | None]) -> list[str]:
    """The arguments with the pairs `--key value`; without the pairs whose value is None.

    An existing argument can have the form `--key=value`, too.
    """
    result: list[str] = []
    used: set[str] = set()
    skip = False
    for index, arg in enumerate(args):
        if skip:
            skip = False
            continue
        flag, equals, _ = arg.partition("=")
        if flag not in flags:
            result.append(arg)
            continue
        skip = not equals and index + 1 < len(args) and not args[index + 1].startswith("--")
        value = flags[flag]
        if value is not None and flag not in used:
            result += [flag, value]
        used.add(flag)
    for flag, value in flags.items():
        if value is not None and flag not in used:
            result += [flag, value]
    return result


def flat(configuration: Mapping[str, object]) -> dict[str, object]:
    """Flink configuration with dotted keys and text as values, from any mixture of nested and flat keys.

    Null is kept: it removes the key when sources are merged.
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


def flat_configuration(spec: Mapping[str, object]) -> dict[str, object]:
    """The spec with a flat flinkConfiguration, also in a blue/green template."""
    result = dict(spec)
    configuration = result.get("flinkConfiguration")
    if isinstance(configuration, dict):
        result["flinkConfiguration"] = flat(cast(dict[str, object], configuration))
    template = result.get("template")
    if isinstance(template, dict):
        inner = cast(dict[str, object], template)
        if isinstance(inner.get("spec"), dict):
            result["template"] = {**inner, "spec": flat_configuration(cast(dict[str, object], inner["spec"]))}
    return result
