"""What each layer says of a resource's spec: the platform's own part, settings turned into fields, arguments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import cast

from flink_k8s.config.model import JOB_ACCOUNT, JobSettings, Process
from flink_k8s.facts.kinds import FlinkKind

MAIN_CONTAINER = "flink-main-container"
"""The container that the operator takes for Flink's own in a pod template."""

PROMETHEUS_REPORTER = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"

SUSPENDED_BY = "make suspend"
"""The layer above all others, of a job that somebody has suspended."""

SUSPENDED = "flink-k8s/suspended"
"""The annotation of such a job, since when and by whom: by it the engine's state knows."""

SAVEPOINT_ON_DELETION = "kubernetes.operator.job.savepoint-on-deletion"

MERGE_BY_NAME = "kubernetes.operator.pod-template.merge-arrays-by-name"

METRICS_PORT = 9249
"""Where JobManagers and TaskManagers answer Prometheus; Flink's default."""


def derived_spec(kind: FlinkKind, *, runs_job: bool) -> dict[str, object]:
    """What the platform gives every job before anybody is asked: account, metrics with their declared port, and a REST
    endpoint, which asks nobody who he is, that takes no jobs.

    Args:
        kind: of the resource.
        runs_job: false for a session cluster, whose jobs the operator hands to that very endpoint.
    """
    if not kind.has_pods:
        return {}
    spec: dict[str, object] = {
        "serviceAccount": JOB_ACCOUNT,
        "flinkConfiguration": {
            "metrics.reporter.prom.factory.class": PROMETHEUS_REPORTER,
            "metrics.reporter.prom.port": str(METRICS_PORT),
            # Names stay as they are written: by default the reporter makes my_job of my-job.
            "metrics.reporter.prom.filterLabelValueCharacters": "false",
            # Whether the job runs, as a metric; Flink's default has its times alone.
            "metrics.job.status.enable": "STATE;CURRENT_TIME;TOTAL_TIME",
            # Without it the operator lays a job's own templates onto this one by position.
            MERGE_BY_NAME: "true",
        },
        "podTemplate": {
            "spec": {
                "containers": [{"name": MAIN_CONTAINER, "ports": [{"name": "metrics", "containerPort": METRICS_PORT}]}]
            }
        },
    }
    if runs_job:
        cast(dict[str, object], spec["flinkConfiguration"])["web.submit.enable"] = "false"
    return in_template(kind, spec)


def raw_spec(settings: JobSettings, kind: FlinkKind) -> dict[str, object]:
    """`spec` of a layer that speaks of all jobs: it means those with pods of their own."""
    if settings.spec is None or not kind.has_pods:
        return {}
    return flat_configuration(settings.spec)


def spec_of(
    settings: JobSettings, kind: FlinkKind, *, runs_job: bool, keeps_state: bool = True, has_ingress: bool = False
) -> dict[str, object]:
    """The part of a resource's spec that a layer of settings asks for.

    `parameters` are apart, in `apply_parameters`, and `spec` is, since it is merged last.

    Args:
        settings: the layer.
        kind: of the resource.
        runs_job: false for a session cluster and a snapshot, which must not get a `job`.
        keeps_state: false for a job of which `savepointOnDeletion` does not speak.
        has_ingress: whether the stack makes an ingress for it.
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
    if settings.restore_from is not None:
        job |= restored_from(settings.restore_from)
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
        # Neither has pods or an image of its own: of the rest only these mean something there.
        spec = {key: value for key, value in spec.items() if key in ("job", "flinkConfiguration", "restartNonce")}
    if kind == FlinkKind.SNAPSHOT:
        spec = {}
    spec = in_template(kind, spec)
    if settings.ingress is not None and kind.has_pods:
        spec |= settings.ingress.spec(is_on=has_ingress)
    return spec


def suspended_spec(kind: FlinkKind) -> dict[str, object]:
    """What suspends a job.

    After a savepoint the operator leaves the JobManager for a day, for whoever wants to ask it; a suspended job is to
    cost nothing. A blue/green deployment hands on that it is suspended, and no configuration.
    """
    spec: dict[str, object] = {"job": {"state": "suspended"}}
    if kind == FlinkKind.DEPLOYMENT:
        spec["flinkConfiguration"] = {"kubernetes.operator.jm-deployment.shutdown-ttl": "1 s"}
    return in_template(kind, spec)


def restored_from(path: str) -> dict[str, object]:
    """The part of a `job` that starts it from a savepoint.

    The operator looks at the path at the first deployment alone, and again when the nonce is another one: so the nonce
    is made from the path. Taking both away changes nothing.
    """
    nonce = int(hashlib.sha256(path.encode()).hexdigest()[:8], 16)
    return {"initialSavepointPath": path, "savepointRedeployNonce": nonce}


def in_template(kind: FlinkKind, spec: dict[str, object]) -> dict[str, object]:
    """The spec where the kind has it: a blue/green deployment's is inside its template."""
    return {"template": {"spec": spec}} if kind == FlinkKind.BLUE_GREEN and spec else spec


def _process_spec(process: Process) -> dict[str, object]:
    resource = {key: value for key, value in (("memory", process.memory), ("cpu", process.cpu)) if value is not None}
    spec: dict[str, object] = {"resource": resource} if resource else {}
    if process.replicas is not None:
        spec["replicas"] = process.replicas
    return spec


def _pod(settings: JobSettings) -> dict[str, object]:
    """Flink's container with environment and files; empty when nothing is said of them."""
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
            # Null, so that another layer's choice of keys does not stay.
            volume["secret"] = {"secretName": files.secret, "items": items or None}
        container["volumeMounts"] = [*cast("list[object]", container.get("volumeMounts", [])), mount]
        volumes.append(volume)
    if not container:
        return {}
    pod: dict[str, object] = {"containers": [{"name": MAIN_CONTAINER, **container}]}
    return {**pod, "volumes": volumes} if volumes else pod


def secret_volume(folder: str) -> str:
    """Name of the volume that is mounted at a folder of `secretFiles`; the same in every layer that speaks of it."""
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
    """The `job` of a spec, wherever the kind has it; None for a session cluster or a snapshot."""
    return _object_of(spec, "job")


def configuration_of(spec: Mapping[str, object]) -> dict[str, object] | None:
    """The `flinkConfiguration` of a spec, wherever the kind has it; None where there is none."""
    return _object_of(spec, "flinkConfiguration")


def _object_of(spec: Mapping[str, object], field: str) -> dict[str, object] | None:
    template = spec.get("template")
    if isinstance(template, dict):
        inner = cast(dict[str, object], template).get("spec")
        return _object_of(cast(dict[str, object], inner), field) if isinstance(inner, dict) else None
    found = spec.get(field)
    return cast(dict[str, object], found) if isinstance(found, dict) else None


def arguments_of(spec: Mapping[str, object]) -> list[str]:
    """The job's arguments; none where there is no job or no list."""
    args = (job_of(spec) or {}).get("args")
    return [str(arg) for arg in cast(list[object], args)] if isinstance(args, list) else []


def apply_parameters(
    spec: dict[str, object], parameters: Mapping[str, str | None] | None, *, only_missing: bool = False
) -> list[str]:
    """Lays the `parameters` of one layer onto the job's arguments.

    `--key value` stays one pair however many layers set it: the pair that is there is changed in place, a new one is
    appended. With `only_missing` (for `jobDefaults`, which the job file overrides) what is there stays.

    Returns:
        The flags that it set.
    """
    job = job_of(spec)
    if not parameters or job is None or not isinstance(job.get("args") or [], list):
        return []  # what is no list is said by the check of fields
    changed: list[str] = []
    args = arguments_of(spec)
    for key, value in parameters.items():
        after = with_parameter(args, key, value, only_missing=only_missing)
        if after != args or not only_missing:
            changed.append(f"--{key}")
        args = after
    if args or "args" in job:
        job["args"] = args
    return changed


def with_parameter(args: list[str], key: str, value: str | None, *, only_missing: bool = False) -> list[str]:
    """The arguments with `--key value` in them; without `--key` when the value is None.

    `--key=value` is recognised as well as `--key value`. With `only_missing` a `--key` that is there stays as it is.
    """
    flag = f"--{key}"
    if only_missing and (value is None or any(arg.partition("=")[0] == flag for arg in args)):
        return args
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
        if value is not None and not found:
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


def flat_configuration(spec: Mapping[str, object]) -> dict[str, object]:
    """The spec with its flinkConfiguration flat, in a blue/green template too."""
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
