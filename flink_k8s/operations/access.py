"""Access to a running stack: Flink's UI, logs, Grafana, Prometheus, Alertmanager, and Grafana's credentials."""

from __future__ import annotations

import base64
import socket
import threading
from dataclasses import dataclass
from typing import Any, cast

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


def logs(kubectl: Kubectl, stack: Stack, name: str) -> int:
    """Print the logs of a job's pods; an exit code.

    Args:
        kubectl: for the stack's cluster.
        stack: the stack.
        name: of the job; empty if the stack has only one.

    Raises:
        CommandError: if the job is unknown.
    """
    job = find_job(stack, name)
    selector = f"app in ({','.join(_clusters(job))})"
    command = ["logs", "-n", job.namespace, "-l", selector, "--all-containers", "--tail=-1", "--prefix"]
    return stream(kubectl.command(*command))


def monitor(kubectl: Kubectl, stack: Stack) -> int:
    """Forward local ports to Grafana, Prometheus and Alertmanager, until Ctrl-C; an exit code.

    Raises:
        CommandError: if the stack deploys no Prometheus stack, or it does not run.
    """
    return _monitor(kubectl, _prometheus(stack).namespace)


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
    return forward(kubectl, job.namespace, Target("Flink's UI", rest_service(cluster), "rest", 8081))


def _monitor(kubectl: Kubectl, namespace: str) -> int:
    targets = [target for target in MONITORING if kubectl.get("service", target.service, "-n", namespace) is not None]
    if not targets:
        services = ", ".join(target.service for target in MONITORING)
        raise CommandError(f"none of {services} exists in namespace {namespace} yet; is the stack up?")
    return forward(kubectl, namespace, *targets)


@dataclass(frozen=True)
class Target:
    """A Service that a local port is forwarded to.

    Attributes:
        title: that is printed.
        service: the Service.
        port: of the Service: its number, or its name if the user can configure the number.
        local_port: the preferred local port; if it is in use, a free port is used.
    """

    title: str
    service: str
    port: int | str
    local_port: int


MONITORING = (
    Target("Grafana", GRAFANA, 80, 3000),
    # The Services that the Prometheus operator creates: their names do not depend on the chart.
    Target("Prometheus", "prometheus-operated", 9090, 9090),
    Target("Alertmanager", "alertmanager-operated", 9093, 9093),
)


def forward(kubectl: Kubectl, namespace: str, *targets: Target) -> int:
    """Forward a free local port to each target, until Ctrl-C or until one of the connections ends.

    Each address is printed once it accepts connections.

    Raises:
        CommandError: if a Service does not exist.
    """
    for target in targets:
        if kubectl.get("service", target.service, "-n", namespace) is None:
            raise CommandError(
                f"service {target.service} does not exist in namespace {namespace} yet; is the stack up?"
            )
    running: list[Running] = []
    try:
        for target in targets:
            local = free_port(target.local_port)
            command = kubectl.command("port-forward", "-n", namespace, f"svc/{target.service}")
            command += [f"{local}:{target.port}", "--address", "127.0.0.1"]
            running.append(start(command))
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
