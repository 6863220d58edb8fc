"""The short-lived pod that runs a task with a job's image, account, mounts, environment and file systems."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flink_k8s.config.network import Endpoint, port_range
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.connectors import CONTAINER
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.effective_job import EffectiveJob
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.operator_configuration import Options, effective
from flink_k8s.resolve.pod_templates import cluster_spec, templates
from flink_k8s.resolve.state_storage import inner_spec
from flink_k8s.resolve.traffic import NAMESPACE_LABEL, clusters

_FOLDER = "/flink-k8s"
_VOLUME = "flink-k8s-task"
_ENVIRONMENT = "containerized.master.env."

_SCRIPT = f"""\
set -e
program="$1"
shift
cd {_FOLDER}
home="${{FLINK_HOME:-/opt/flink}}"
mkdir -p plugins classes
for plugin in "$home"/plugins/*/; do
  if [ -d "$plugin" ]; then ln -s "$plugin" plugins/; fi
done
for jar in $(echo "$ENABLE_BUILT_IN_PLUGINS" | tr ';' ' '); do
  mkdir -p "plugins/${{jar%.jar}}"
  ln -sf "$home/opt/$jar" "plugins/${{jar%.jar}}/"
done
echo "$FLINK_K8S_CLASS" | base64 -d > "classes/$program.class"
FLINK_PLUGINS_DIR={_FOLDER}/plugins exec java -Xmx160m -cp "{_FOLDER}/classes:$home/lib/*" "$program" "$@"
"""
"""Links the plugins as Flink's entry point does, without writing to the image's own folders."""

_DROPPED = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "command", "args", "resources")


@dataclass(frozen=True)
class Task:
    """What a pod does.

    Attributes:
        name: part of the names of the pod and of its label.
        text: in error messages: `lists the files`.
        program: the compiled class.
        seconds: time in which the pod must have ended; it may pull an image first.
        reads_input: whether the program reads its standard input.
    """

    name: str
    text: str
    program: Path
    seconds: int
    reads_input: bool = False


class StorePodError(Exception):
    """The store of a job cannot be read or written; the message is the reason."""


def store_pod(task: Task, job: Job, stack: DeclaredStack, arguments: Sequence[str]) -> dict[str, object]:
    """The manifest of the pod.

    Args:
        task: of the pod.
        job: whose store it uses.
        stack: that declares the job.
        arguments: of the program.

    Raises:
        StorePodError: if the job's image is unknown.
    """
    cluster = cluster_of(job, stack)
    options = options_of(job, cluster, stack)
    spec = cluster_spec(cluster.kind, cluster.spec)
    flink_cluster = EffectiveJob(spec, options)
    if flink_cluster.image is None:
        raise StorePodError(f"its image is not set, so no pod can be created that {task.text}; set image")
    pod = dict(templates(spec)[0].pod)
    containers = [mapping(container) for container in listed(pod.get("containers"))]
    own = next((container for container in containers if container.get("name") == MAIN_CONTAINER), mapping(None))
    variables: list[object] = [
        {"name": key.removeprefix(_ENVIRONMENT), "value": _literal(value)}
        for key, value in options.configuration.items()
        if key.startswith(_ENVIRONMENT)
    ]
    variables += listed(own.get("env"))
    variables += [
        {"name": "FLINK_K8S_CLASS", "value": base64.b64encode(task.program.read_bytes()).decode()},
        {"name": "FLINK_K8S_CONFIGURATION", "value": _literal(_lines(options.configuration))},
    ]
    volume = {"name": _VOLUME, "mountPath": _FOLDER}
    container = {
        **{key: value for key, value in own.items() if key not in _DROPPED},
        "name": MAIN_CONTAINER,
        "image": flink_cluster.image.text,
        "command": ["sh", "-c", _SCRIPT, "sh"],
        "args": [task.program.stem, *arguments],
        "env": variables,
        "volumeMounts": [*listed(own.get("volumeMounts")), volume],
        "resources": {
            "requests": {"cpu": "100m", "memory": "320Mi"},
            "limits": {"cpu": "1", "memory": "320Mi"},
        },
    }
    if task.reads_input:
        container |= {"stdin": True, "stdinOnce": True}
    if policy := spec.get("imagePullPolicy"):
        container["imagePullPolicy"] = policy
    if init_containers := [
        item for item in listed(pod.get("initContainers")) if mapping(item).get("name") != CONTAINER
    ]:
        pod["initContainers"] = init_containers
    else:
        pod.pop("initContainers", None)  # the program needs no connectors
    names = clusters(job)
    pod |= {
        "containers": [container],
        "volumes": [*listed(pod.get("volumes")), {"name": _VOLUME, "emptyDir": {}}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": task.seconds,
        "terminationGracePeriodSeconds": 0,
    }
    if account := flink_cluster.accounts.get("jobManager"):
        pod["serviceAccountName"] = account.text
    if secrets := options.text("kubernetes.container.image.pull-secrets"):
        pod["imagePullSecrets"] = [{"name": name.strip()} for name in re.split("[;,]", secrets) if name.strip()]
    # A ReadWriteOnce volume is mounted on the node of the job's pods.
    pod.setdefault("affinity", _next_to(names))
    mode = str(spec.get("mode") or "native")
    # NetworkPolicies select the job's pods by these labels. Flink and the operator also select by `component`.
    own_labels = {"app": names[0], "type": f"flink-{mode}-kubernetes", **_marked(task, job)}
    metadata = {"generateName": f"{job.name[:40]}-{task.name}-", "namespace": job.namespace, "labels": own_labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def store_policy(task: Task, job: Job, stack: DeclaredStack) -> dict[str, object] | None:
    """The NetworkPolicy that allows the pod the egress of the job; None if the stack has no policies.

    The job's own policy may not exist yet: it is created with the job.
    """
    if not stack.settings.network_policies.enabled:
        return None
    resources = {resource.key: resource for resource in (cluster_of(job, stack), job)}
    connections = map(stack.traffic, resources.values())
    metadata = {"generateName": f"{job.name[:40]}-{task.name}-", "namespace": job.namespace}
    spec = {
        "podSelector": {"matchLabels": _marked(task, job)},
        "policyTypes": ["Egress"],
        "egress": [_rule(endpoint) for traffic in connections if traffic for endpoint in traffic.egress],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _marked(task: Task, job: Job) -> dict[str, str]:
    """The label of the pods of a task."""
    return {f"flink-k8s/{task.name}": job.name}


def _rule(endpoint: Endpoint) -> dict[str, object]:
    ranges = [port_range(port) for port in endpoint.ports]
    ports = [{"port": first, "endPort": last, "protocol": protocol} for first, last, protocol in ranges]
    rule: dict[str, object] = {"ports": ports} if ports else {}
    return rule if endpoint.is_anybody else {**rule, "to": [_peer(endpoint)]}


def _peer(endpoint: Endpoint) -> dict[str, object]:
    if endpoint.cidr is not None:
        return {"ipBlock": {"cidr": endpoint.cidr, "except": list(endpoint.except_)}}
    peer: dict[str, object] = {}
    if endpoint.namespace is not None:
        peer["namespaceSelector"] = {"matchLabels": {NAMESPACE_LABEL: endpoint.namespace}}
    if endpoint.pods:
        peer["podSelector"] = {"matchLabels": dict(endpoint.pods)}
    return peer


def _next_to(names: Sequence[str]) -> dict[str, object]:
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": [*names]}]}
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    return {
        "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    }


def cluster_of(job: Job, stack: DeclaredStack) -> Job:
    """The resource whose pods run the job."""
    if job.kind is not FlinkKind.SESSION_JOB:
        return job
    for cluster in stack.jobs:
        if cluster.key == job.target:
            return cluster
    raise StorePodError(f"its session cluster {job.session_cluster} is not declared in this stack")


def options_of(job: Job, cluster: Job, stack: DeclaredStack) -> Options:
    """The configuration of the job; that of its session cluster applies to it, too."""
    own = mapping(inner_spec(job.kind, job.spec).get("flinkConfiguration"))
    shared = mapping(inner_spec(cluster.kind, cluster.spec).get("flinkConfiguration"))
    version = inner_spec(cluster.kind, cluster.spec).get("flinkVersion")
    operator = stack.settings.operator
    return Options(operator.version, effective({**shared, **own}, operator.configuration, job.namespace, version))


def _lines(configuration: Mapping[str, str]) -> str:
    """Flink's configuration as lines, without the operator's options."""
    return "\n".join(
        f"{key}={value}"
        for key, value in configuration.items()
        if not key.startswith("kubernetes.operator.") and "\n" not in value
    )


def _literal(value: str) -> str:
    """The value of an environment variable without references that the kubelet would expand."""
    return value.replace("$", "$$")
