"""Where fields belong that users often write at another place."""

from __future__ import annotations

_POD_FIELDS = frozenset(
    {
        *("affinity", "dnsConfig", "dnsPolicy", "hostAliases", "initContainers", "nodeSelector", "priorityClassName"),
        *("runtimeClassName", "schedulerName", "securityContext", "terminationGracePeriodSeconds", "tolerations"),
        *("topologySpreadConstraints", "volumes"),
    }
)
_CONTAINER_FIELDS = frozenset(
    {"env", "envFrom", "lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe", "volumeMounts"}
)
_JOB_FIELDS = frozenset({"args", "entryClass", "initialSavepointPath", "jarURI", "parallelism", "state", "upgradeMode"})


def place_of(key: object, process: object = None, prefix: str = "") -> str | None:
    """The remedy for a field in the spec of a Flink cluster, or in one of its processes; None if it is not known.

    Args:
        key: the field.
        process: `jobManager` or `taskManager`, if the field is in it.
        prefix: of the remedy's paths, such as `spec.`.
    """
    pod = f"{prefix}{process}.podTemplate" if process else f"{prefix}podTemplate"
    if key == "imagePullSecrets":
        return f"write {pod}.spec.imagePullSecrets, or namespaces.<name>.imagePullSecrets in the stack file"
    if key in _POD_FIELDS:
        return f"write {pod}.spec.{key}"
    if key in _CONTAINER_FIELDS:
        alternative = ", or jobs.<job>.env in the stack file" if key == "env" else ""
        return f"write {key} of the container flink-main-container in {pod}.spec.containers{alternative}"
    if key in ("labels", "annotations"):
        return f"write {pod}.metadata.{key}"
    if key in ("slots", "taskSlots", "numberOfTaskSlots"):
        return "write taskmanager.numberOfTaskSlots in flinkConfiguration"
    if key in ("memory", "cpu") and process:
        return f"write {process}.resource.{key}"
    if not process and key in ("replicas", "resource", "resources"):
        return f"write jobManager.{key} and taskManager.{key}"
    if not process and key in _JOB_FIELDS:
        return f"write {prefix}job.{key}"
    return None
