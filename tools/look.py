"""Looks into a running stack: Flink's UI, logs, Grafana and its credentials.

python -m tools.look ui|logs JOB [--stack S]
python -m tools.look monitor|grafana-creds [--stack S]
"""

from __future__ import annotations

import argparse
import base64
import socket
import subprocess
from typing import Any, cast

from settings.jobs import Job
from settings.problems import nearest
from tools.cluster import here
from tools.kubectl import Kubectl
from tools.run import FailedError, finish, say, stream
from tools.stack import Stack, prepare

GRAFANA = "prometheus-grafana"


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="tools.look", description="looks into a running stack")
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
        selector = f"app={job.session_cluster or job.name}"
        command = ["logs", "-n", job.namespace, "-l", selector, "--all-containers", "--tail=-1", "--prefix"]
        return stream(kubectl.command(*command))
    if not stack.platform.settings.prometheus.enabled:
        raise FailedError(f"the stack {stack.name} has no Prometheus stack of its own (prometheus.enabled is false)")
    namespace = stack.platform.settings.prometheus.namespace
    if options.what == "monitor":
        return forward(kubectl, namespace, GRAFANA, 80, wanted=3000, what="Grafana")
    return _credentials(kubectl, namespace)


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


def _ui(kubectl: Kubectl, job: Job) -> int:
    return forward(
        kubectl, job.namespace, f"{job.session_cluster or job.name}-rest", 8081, wanted=8081, what="Flink's UI"
    )


def forward(kubectl: Kubectl, namespace: str, service: str, port: int, *, wanted: int, what: str) -> int:
    """Forwards a free port of this machine to a service until Ctrl-C.

    Raises:
        FailedError: when the service is not there.
    """
    if kubectl.get("service", service, "-n", namespace) is None:
        raise FailedError(f"there is no service {service} in namespace {namespace} yet; is the stack up?")
    local = free_port(wanted)
    say(f"{what}: http://localhost:{local}   (Ctrl-C ends it)")
    command = kubectl.command(
        "port-forward", "-n", namespace, f"svc/{service}", f"{local}:{port}", "--address", "127.0.0.1"
    )
    forwarding = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        return forwarding.wait()
    except KeyboardInterrupt:
        forwarding.terminate()
        forwarding.wait()
        return 0


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


def _credentials(kubectl: Kubectl, namespace: str) -> int:
    secret = kubectl.get("secret", GRAFANA, "-n", namespace)
    if secret is None:
        raise FailedError(f"there is no secret {GRAFANA} in namespace {namespace} yet; is the stack up?")
    data = cast(dict[str, Any], secret.get("data") or {})
    for key in ("admin-user", "admin-password"):
        print(f"{key}: {base64.b64decode(str(data.get(key, ''))).decode()}")
    return 0


if __name__ == "__main__":
    finish(main)
