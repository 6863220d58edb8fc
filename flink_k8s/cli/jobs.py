"""The commands for jobs: their code, and access to those that run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flink_k8s.cli.command import JOB, RUNNING_STACK, STACK, Command, Options, option, prepared

if TYPE_CHECKING:
    from flink_k8s.operations.stack import Stack
    from flink_k8s.support.kubectl import Kubectl


def _new(options: Options) -> None:
    from flink_k8s.operations.new_job.create import create

    for path in create(options.job):
        print(f"   {path}")
    print(f"next: make test-job JOB={options.job}, make run JOB={options.job}, then make build up STACK=dev")


def _run(options: Options) -> None:
    from flink_k8s.operations.run_job import run_job

    run_job(prepared(options), options.job)


def _test_job(options: Options) -> int:
    from flink_k8s.operations.test_job import test_job

    return test_job(prepared(options), options.job)


def _ui(options: Options) -> int:
    from flink_k8s.operations.access import ui

    return ui(*_running(options), options.job)


def _logs(options: Options) -> int:
    from flink_k8s.operations.access import logs

    return logs(*_running(options), options.job)


def _monitor(options: Options) -> int:
    from flink_k8s.operations.access import monitor

    return monitor(*_running(options))


def _grafana_creds(options: Options) -> None:
    from flink_k8s.operations.access import grafana_credentials

    grafana_credentials(*_running(options))


def _running(options: Options) -> tuple[Kubectl, Stack]:
    """The stack, without a name the one of the local cluster, and kubectl for it."""
    from flink_k8s.operations.cluster import local_cluster
    from flink_k8s.support.kubectl import Kubectl

    options.stack = options.stack or local_cluster().stack
    stack = prepared(options)
    return Kubectl.of(stack), stack


DEVELOP = (
    Command(
        "new",
        "Create the code, manifest and tests of a new job",
        _new,
        (option("job", help="name of the job: lower-case letters, digits and -"),),
        examples=("orders",),
    ),
    Command(
        "run",
        "Run a job's Python in a Flink on this machine, without Kubernetes",
        _run,
        (STACK, JOB),
        "The job gets the settings of the stack. Needs Java 17.",
        ("dev --job word-count",),
    ),
    Command(
        "test-job",
        "Run the tests of a job's code, some of them in a Flink on this machine",
        _test_job,
        (STACK, JOB),
        "The job gets the Flink version of the stack.",
        ("dev --job word-count",),
    ),
)
"""They need no cluster."""

ACCESS = (
    Command("ui", "Open a local port to Flink's web UI", _ui, (RUNNING_STACK, JOB), examples=("dev --job word-count",)),
    Command("logs", "Print the logs of a job's pods", _logs, (RUNNING_STACK, JOB), examples=("dev --job word-count",)),
    Command(
        "monitor", "Open local ports to Grafana, Prometheus and Alertmanager", _monitor, (STACK,), examples=("dev",)
    ),
    Command("grafana-creds", "Print Grafana's user and password", _grafana_creds, (STACK,), examples=("dev",)),
)
"""They read from a running stack."""
