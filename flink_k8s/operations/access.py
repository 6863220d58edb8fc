"""Looks into a running stack: Flink's UI, logs, Grafana with Prometheus and Alertmanager, its credentials.

python -m flink_k8s.operations.access ui|logs JOB [--stack S]
python -m flink_k8s.operations.access monitor|grafana-creds [--stack S]
"""

from __future__ import annotations

import argparse
import base64
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.config.problems import nearest
from flink_k8s.health.blue_green import running
from flink_k8s.operations.cluster import here
from flink_k8s.operations.stack import Stack, prepare
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.traffic import clusters, rest_service
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.processes import FailedError, finish, say, stream

GRAFANA = "prometheus-grafana"


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="flink_k8s.operations.access", description="looks into a running stack")
    parser.add_argument("what", choices=["ui", "logs", "monitor", "grafana-creds"])
    parser.add_argument("job", nargs="?", default="")
    parser.add_argument("--stack", default="")
    options = parser.parse_args()
    stack = prepare(options.stack or here().stack)
    kubectl = Kubectl.of(stack)
    if options.what == "ui":
        return _ui(kubectl, find_job(stack, options.job))
    if options.what == "logs":
        job = find_job(stack, options.job)
        selector = f"app in ({','.join(_clusters(job))})"
        command = ["logs", "-n", job.namespace, "-l", selector, "--all-containers", "--tail=-1", "--prefix"]
        return stream(kubectl.command(*command))
    prometheus = stack.platform.settings.prometheus
    if not prometheus.enabled:
        raise FailedError(f"the stack {stack.name} has no Prometheus stack of its own (prometheus.enabled is false)")
    if options.what == "monitor":
        return _monitor(kubectl, prometheus.namespace)
    return _credentials(kubectl, prometheus.namespace, prometheus.admin_secret)


def find_job(stack: Stack, name: str) -> Job:
    """The stack's job of that name, or the only one when no name is given.

    Raises:
        FailedError: with the names that there are.
    """
    jobs = [job for job in stack.platform.jobs if job.name == name or not name]
    if len(jobs) == 1:
        return jobs[0]
    names = sorted({job.name for job in stack.platform.jobs})
    if not name:
        raise FailedError(f"say which job: JOB=… ({', '.join(names) or 'the stack has none'})")
    if jobs:
        raise FailedError(f'several jobs are called "{name}"; give one another name')
    raise FailedError(f'the stack {stack.name} has no job "{name}"; {nearest(name, names)}')


def _clusters(job: Job) -> tuple[str, ...]:
    """The Flink clusters whose pods are the job's.

    Raises:
        FailedError: when it has none.
    """
    found = clusters(job)
    if not found:
        raise FailedError(f"the {job.kind} {job.name} has no pods of its own; name the job that it belongs to")
    return found


def _ui(kubectl: Kubectl, job: Job) -> int:
    cluster, *others = _clusters(job)
    if others:
        found = kubectl.get(job.kind.lower(), job.name, "-n", job.namespace)
        active = running(found) if found else None
        if active is None:
            names = " nor ".join((cluster, *others))
            raise FailedError(f"neither {names} in namespace {job.namespace} has the job yet; is the stack up?")
        cluster = active
    return forward(kubectl, job.namespace, Target("Flink's UI", rest_service(cluster), "rest", 8081))


def _monitor(kubectl: Kubectl, namespace: str) -> int:
    there = [target for target in MONITORING if kubectl.get("service", target.service, "-n", namespace) is not None]
    if not there:
        services = ", ".join(target.service for target in MONITORING)
        raise FailedError(f"there is none of {services} in namespace {namespace} yet; is the stack up?")
    return forward(kubectl, namespace, *there)


@dataclass(frozen=True)
class Target:
    """What a port of this machine leads to.

    Attributes:
        what: its name for people.
        service: the Service.
        port: of the Service: its number, or its name where the number is the user's to say.
        wanted: the port of this machine that it gets when it is free.
    """

    what: str
    service: str
    port: int | str
    wanted: int


MONITORING = (
    Target("Grafana", GRAFANA, 80, 3000),
    # The Services that Prometheus' operator makes: their names hang on no chart.
    Target("Prometheus", "prometheus-operated", 9090, 9090),
    Target("Alertmanager", "alertmanager-operated", 9093, 9093),
)


def forward(kubectl: Kubectl, namespace: str, *targets: Target) -> int:
    """Forwards a free port of this machine to each target, until Ctrl-C or until one of them breaks.

    An address is printed once it answers.

    Raises:
        FailedError: when a Service is not there.
    """
    for target in targets:
        if kubectl.get("service", target.service, "-n", namespace) is None:
            raise FailedError(f"there is no service {target.service} in namespace {namespace} yet; is the stack up?")
    running: list[subprocess.Popen[str]] = []
    try:
        for target in targets:
            local = free_port(target.wanted)
            command = kubectl.command("port-forward", "-n", namespace, f"svc/{target.service}")
            command += [f"{local}:{target.port}", "--address", "127.0.0.1"]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            _announce(running[-1], f"{target.what}: http://localhost:{local}")
        say("Ctrl-C ends it")
        while all(process.poll() is None for process in running):
            try:
                running[0].wait(1)
            except subprocess.TimeoutExpired:
                continue
        return max(process.poll() or 0 for process in running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _announce(forwarding: subprocess.Popen[str], address: str) -> None:
    assert forwarding.stdout is not None
    if forwarding.stdout.readline():  # "Forwarding from …": until then nothing listens
        say(address)
        # What comes after it, a line for each connection, must be read by somebody.
        threading.Thread(target=forwarding.stdout.read, daemon=True).start()


def free_port(wanted: int) -> int:
    """That port of the loopback when it is free, else any free one."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return cast(int, probe.getsockname()[1])
    raise FailedError("no port of this machine is free")


def _credentials(kubectl: Kubectl, namespace: str, name: str) -> int:
    secret = kubectl.get("secret", name, "-n", namespace)
    if secret is None:
        raise FailedError(f"there is no secret {name} in namespace {namespace} yet; is the stack up?")
    data = cast(dict[str, Any], secret.get("data") or {})
    for key in ("admin-user", "admin-password"):
        print(f"{key}: {base64.b64decode(str(data.get(key, ''))).decode()}")
    return 0


if __name__ == "__main__":
    finish(main)
