"""Access to a running stack: Flink's UI, logs, the tools of monitoring, and Grafana's credentials."""

from __future__ import annotations

import base64
import json
import socket
import threading
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urlencode

from flink_k8s.config.logging_model import LOG_PORT, LOG_SERVICE, LoggingSettings
from flink_k8s.config.monitoring import PrometheusSettings
from flink_k8s.config.problems import nearest
from flink_k8s.health.job_status import running
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.traffic import clusters, rest_service
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.processes import Running, start, stream, wait

GRAFANA = "prometheus-grafana"


def ui(kubectl: Kubectl, stack: Stack, name: str) -> int:
    """Forward a local port to Flink's UI of a job, until Ctrl-C; an exit code.

    Args:
        kubectl: for the stack's cluster.
        stack: the stack.
        name: of the job; empty if the stack has only one.

    Raises:
        CommandError: if the job is unknown or does not run.
    """
    return _ui(kubectl, find_job(stack, name))


def logs(kubectl: Kubectl, stack: Stack, name: str, *, previous: bool = False, since: str = "") -> int:
    """Print the logs of a job's pods; an exit code.

    Args:
        kubectl: for the stack's cluster.
        stack: the stack.
        name: of the job; empty if the stack has only one.
        previous: the stored logs of containers that no longer run, instead of those that run.
        since: only lines of this time, such as `30m` or `2h`; empty for all lines of containers that run, and for one
            day of stored lines.

    Raises:
        CommandError: if the job is unknown.
    """
    job = find_job(stack, name)
    if previous:
        store = log_store(stack.platform.settings.logging)
        return stored_logs(kubectl, store, job.namespace, _clusters(job), since or "1d")
    selector = f"app in ({','.join(_clusters(job))})"
    command = ["logs", "-n", job.namespace, "-l", selector, "--all-containers", "--tail=-1", "--prefix"]
    return stream(kubectl.command(*command, *([f"--since={since}"] if since else [])))


def stored_logs(kubectl: Kubectl, store: Target, namespace: str, clusters: Sequence[str], since: str) -> int:
    """Print the lines of containers that no longer run, from the log store, oldest first; an exit code.

    Each line begins as that of `kubectl logs --prefix`: `[pod/<pod>/<container>]`.

    Raises:
        CommandError: if the store does not exist, or rejects the query.
    """
    if not store.exists(kubectl):
        raise CommandError(
            f"no log store: the service {store.service} does not exist in namespace {store.namespace}; set"
            " logging: {enabled: true} in the stack of the platform, and deploy it"
        )
    pods = kubectl.items("pods", "-n", namespace, "-l", f"app in ({','.join(clusters)})")
    running = [
        status["containerID"]
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses", [])
        if "running" in status.get("state", {})
    ]
    query = (
        f"_time:{since} {json.dumps('kubernetes.pod_namespace')}:={json.dumps(namespace)}"
        f" {json.dumps('kubernetes.pod_labels.app')}:{_any_of(clusters)}"
        f" !{json.dumps('kubernetes.container_id')}:{_any_of(running)} | sort by (_time)"
    )
    local = free_port(store.local_port)
    connection = start(kubectl.command(*store.port_forward(local)))
    try:
        assert connection.stdout is not None
        if not connection.stdout.readline():
            raise CommandError(f"the service {store.service} in namespace {store.namespace} does not answer")
        _print_stored(f"http://127.0.0.1:{local}/select/logsql/query", query)
    finally:
        connection.terminate()
        connection.wait()
    return 0


def _print_stored(address: str, query: str) -> None:
    try:
        with urllib.request.urlopen(address, urlencode({"query": query}).encode()) as answer:
            for line in answer:
                entry = json.loads(line)
                pod, container = entry["kubernetes.pod_name"], entry["kubernetes.container_name"]
                print(f"[pod/{pod}/{container}] {entry['_msg']}")
    except HTTPError as error:
        raise CommandError(f"VictoriaLogs rejects the query: {error.read().decode().strip()}") from None
    except OSError as error:
        raise CommandError(f"VictoriaLogs does not answer: {error}") from None


def _any_of(values: Sequence[str]) -> str:
    """`in("a","b")` of LogsQL."""
    return f"in({','.join(map(json.dumps, values))})"


def monitor(kubectl: Kubectl, stack: Stack) -> int:
    """Forward local ports to Grafana, Prometheus, Alertmanager and VictoriaLogs, until Ctrl-C; an exit code.

    Raises:
        CommandError: if the stack deploys none of them, or none runs.
    """
    settings = stack.platform.settings
    targets = [*monitoring(settings.prometheus.namespace)] if settings.prometheus.enabled else []
    targets += [log_store(settings.logging)] if settings.logging.enabled else []
    if not targets:
        raise CommandError(f"the stack {stack.name} deploys neither a Prometheus stack nor a log store")
    return _monitor(kubectl, targets)


def grafana_credentials(kubectl: Kubectl, stack: Stack) -> None:
    """Print Grafana's user and password.

    Raises:
        CommandError: if the stack deploys no Prometheus stack, or it does not run.
    """
    prometheus = _prometheus(stack)
    _credentials(kubectl, prometheus.namespace, prometheus.admin_secret)


def _prometheus(stack: Stack) -> PrometheusSettings:
    prometheus = stack.platform.settings.prometheus
    if not prometheus.enabled:
        raise CommandError(f"the stack {stack.name} deploys no Prometheus stack (prometheus.enabled is false)")
    return prometheus


def find_job(stack: Stack, name: str) -> Job:
    """The stack's job with the name, or its only job if the name is empty.

    Raises:
        CommandError: if the job is unknown; the error lists the known names.
    """
    jobs = [job for job in stack.platform.jobs if job.name == name or not name]
    if len(jobs) == 1:
        return jobs[0]
    names = sorted({job.name for job in stack.platform.jobs})
    if not name:
        raise CommandError(f"set JOB=… ({', '.join(names) or 'the stack has no jobs'})")
    if jobs:
        raise CommandError(f'several jobs have the name "{name}"; rename all but one')
    raise CommandError(f'unknown job "{name}" in the stack {stack.name}; {nearest(name, names)}')


def _clusters(job: Job) -> tuple[str, ...]:
    """The Flink clusters whose pods run the job.

    Raises:
        CommandError: if it has none.
    """
    names = clusters(job)
    if not names:
        raise CommandError(f"the {job.kind} {job.name} has no pods of its own; set JOB to the job that it belongs to")
    return names


def _ui(kubectl: Kubectl, job: Job) -> int:
    cluster, *others = _clusters(job)
    if others:
        flink_object = kubectl.get(job.kind.lower(), job.name, "-n", job.namespace)
        active = running(flink_object) if flink_object else None
        if active is None:
            names = " nor ".join((cluster, *others))
            raise CommandError(f"neither {names} in namespace {job.namespace} has the job yet; is the stack up?")
        cluster = active
    return forward(kubectl, Target("Flink's UI", job.namespace, rest_service(cluster), "rest", 8081))


def _monitor(kubectl: Kubectl, targets: Sequence[Target]) -> int:
    existing = [target for target in targets if target.exists(kubectl)]
    if not existing:
        services = ", ".join(f"{target.namespace}/{target.service}" for target in targets)
        raise CommandError(f"none of the services {services} exists yet; is the stack up?")
    return forward(kubectl, *existing)


@dataclass(frozen=True)
class Target:
    """A Service that a local port is forwarded to.

    Attributes:
        title: that is printed.
        namespace: of the Service.
        service: the Service.
        port: of the Service: its number, or its name if the user can configure the number.
        local_port: the preferred local port; if it is in use, a free port is used.
    """

    title: str
    namespace: str
    service: str
    port: int | str
    local_port: int

    def exists(self, kubectl: Kubectl) -> bool:
        """Whether the cluster has the Service."""
        return kubectl.get("service", self.service, "-n", self.namespace) is not None

    def port_forward(self, local: int) -> list[str]:
        """The arguments of kubectl that forward a local port."""
        service = ["port-forward", "-n", self.namespace, f"svc/{self.service}"]
        return [*service, f"{local}:{self.port}", "--address", "127.0.0.1"]


def monitoring(namespace: str) -> tuple[Target, ...]:
    """The Services of a Prometheus stack in a namespace."""
    return (
        Target("Grafana", namespace, GRAFANA, 80, 3000),
        # The Services that the Prometheus operator creates: their names do not depend on the chart.
        Target("Prometheus", namespace, "prometheus-operated", 9090, 9090),
        Target("Alertmanager", namespace, "alertmanager-operated", 9093, 9093),
    )


def log_store(settings: LoggingSettings) -> Target:
    """The Service of VictoriaLogs."""
    return Target("VictoriaLogs", settings.namespace, LOG_SERVICE, LOG_PORT, LOG_PORT)


def forward(kubectl: Kubectl, *targets: Target) -> int:
    """Forward a free local port to each target, until Ctrl-C or until one of the connections ends.

    Each address is printed once it accepts connections.

    Raises:
        CommandError: if a Service does not exist.
    """
    for target in targets:
        if not target.exists(kubectl):
            raise CommandError(
                f"service {target.service} does not exist in namespace {target.namespace} yet; is the stack up?"
            )
    running: list[Running] = []
    try:
        for target in targets:
            local = free_port(target.local_port)
            running.append(start(kubectl.command(*target.port_forward(local))))
            _announce(running[-1], f"{target.title}: http://localhost:{local}")
        say("press Ctrl-C to stop")
        while all(process.poll() is None for process in running):
            wait(running[0], 1)
        return max(process.poll() or 0 for process in running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _announce(forwarding: Running, address: str) -> None:
    assert forwarding.stdout is not None
    if forwarding.stdout.readline():  # "Forwarding from …": kubectl listens now
        say(address)
        # kubectl prints a line for each connection: read them, or its pipe fills up.
        threading.Thread(target=forwarding.stdout.read, daemon=True).start()


def free_port(preferred: int) -> int:
    """The preferred port of the loopback interface if it is free, else any free port."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return cast(int, probe.getsockname()[1])
    raise CommandError("all local ports are in use")


def _credentials(kubectl: Kubectl, namespace: str, name: str) -> None:
    secret = kubectl.get("secret", name, "-n", namespace)
    if secret is None:
        raise CommandError(f"secret {name} does not exist in namespace {namespace} yet; is the stack up?")
    data = cast(dict[str, Any], secret.get("data") or {})
    for key in ("admin-user", "admin-password"):
        print(f"{key}: {base64.b64decode(str(data.get(key, ''))).decode()}")
