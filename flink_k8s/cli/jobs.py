"""The commands for jobs: their code, and access to those that run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flink_k8s.cli.command import Command, Options, Parser, add_job, add_stack, prepared

if TYPE_CHECKING:
    from flink_k8s.operations.stack import Stack
    from flink_k8s.support.kubectl import Kubectl

_ANY_JOB = "the job (default: the only one of the stack)"


def _new_options(parser: Parser) -> None:
    parser.add_argument("job", help="name of the job: lower-case letters, digits and -")


def _new(options: Options) -> None:
    from flink_k8s.operations.new_job.create import create

    for path in create(options.job):
        print(f"   {path}")
    print(f"next: make test-job JOB={options.job}, make run JOB={options.job}, then make build up STACK=dev")


def _job_options(parser: Parser) -> None:
    add_stack(parser)
    add_job(parser, _ANY_JOB)


def _run(options: Options) -> None:
    from flink_k8s.operations.run_job import run_job

    run_job(prepared(options), options.job)


def _test_job(options: Options) -> int:
    from flink_k8s.operations.test_job import test_job

    return test_job(prepared(options), options.job)


def _access_options(parser: Parser) -> None:
    add_stack(parser, is_optional="the stack of the local cluster")
    add_job(parser, _ANY_JOB)


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
    from flink_k8s.operations.cluster import here
    from flink_k8s.support.kubectl import Kubectl

    options.stack = options.stack or here().stack
    stack = prepared(options)
    return Kubectl.of(stack), stack


DEVELOP = (
    Command("new", "Create the code, manifest and tests of a new job", _new, _new_options, examples=("orders",)),
    Command(
        "run",
        "Run a job's Python in a Flink on this machine, without Kubernetes",
        _run,
        _job_options,
        "The job gets the settings of the stack. Needs Java 17.",
        ("dev --job word-count",),
    ),
    Command(
        "test-job",
        "Run the tests of a job's code, some of them in a Flink on this machine",
        _test_job,
        _job_options,
        "The job gets the Flink version of the stack.",
        ("dev --job word-count",),
    ),
)
"""They need no cluster."""

ACCESS = (
    Command("ui", "Open a local port to Flink's web UI", _ui, _access_options, examples=("dev --job word-count",)),
    Command("logs", "Print the logs of a job's pods", _logs, _access_options, examples=("dev --job word-count",)),
    Command(
        "monitor", "Open local ports to Grafana, Prometheus and Alertmanager", _monitor, add_stack, examples=("dev",)
    ),
    Command("grafana-creds", "Print Grafana's user and password", _grafana_creds, add_stack, examples=("dev",)),
)
"""They read from a running stack."""
