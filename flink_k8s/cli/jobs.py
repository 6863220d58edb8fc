"""The commands for jobs: development, and access to running jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flink_k8s.cli.command import JOB, JOBS, OVERLAY, RUNNING_STACK, STACK, Command, Options, option, prepare_stack

if TYPE_CHECKING:
    from flink_k8s.operations.stack import Stack
    from flink_k8s.support.kubectl import Kubectl


def _new(options: Options) -> None:
    from flink_k8s.operations.new_job.create import create

    for path in create(options.job, kind=options.kind):
        print(f"   {path}")
    print(f"next: make test-job JOB={options.job}, make run JOB={options.job}, then make build up STACK=dev")


def _run(options: Options) -> None:
    from flink_k8s.operations.run_job import run_job

    run_job(prepare_stack(options), options.job)


def _test_job(options: Options) -> int:
    from flink_k8s.operations.test_job import test_job

    return test_job(prepare_stack(options), options.job)


def _ui(options: Options) -> int:
    from flink_k8s.operations.access import ui

    return ui(*_running(options), options.job)


def _logs(options: Options) -> int:
    from flink_k8s.operations.access import logs

    return logs(*_running(options), options.job, previous=options.previous, since=options.since)


def _monitor(options: Options) -> int:
    from flink_k8s.operations.access import monitor

    return monitor(*_running(options))


def _grafana_creds(options: Options) -> None:
    from flink_k8s.operations.access import grafana_credentials

    grafana_credentials(*_running(options))


def _savepoints(options: Options) -> int:
    from flink_k8s.operations.savepoints import savepoints

    return savepoints(prepare_stack(options), options.job, form=options.format)


def _running(options: Options) -> tuple[Kubectl, Stack]:
    """The stack, by default the stack of the local cluster, and kubectl for it."""
    from flink_k8s.operations.cluster import local_cluster
    from flink_k8s.support.kubectl import Kubectl

    options.stack = options.stack or local_cluster().stack
    stack = prepare_stack(options)
    return Kubectl.of(stack), stack


DEVELOP = (
    Command(
        "new",
        "Create the files of a new job, with tests",
        _new,
        (
            option("job", help="name of the job: lower-case letters, digits and -"),
            option("--kind", choices=["python", "sql"], default="python", help="language of the job (default: python)"),
        ),
        examples=("orders", "orders --kind sql"),
    ),
    Command(
        "run",
        "Run a Python or SQL job in a local Flink, without Kubernetes",
        _run,
        (STACK, JOB),
        "The job runs with the settings of the stack. Requires Java 17.",
        ("dev --job word-count",),
    ),
    Command(
        "test-job",
        "Run the tests of a job, some of them in a local Flink",
        _test_job,
        (STACK, JOB),
        "The job runs with the Flink version of the stack.",
        ("dev --job word-count",),
    ),
)
"""Commands that do not need a cluster."""

ACCESS = (
    Command("ui", "Open a local port to Flink's web UI", _ui, (RUNNING_STACK, JOB), examples=("dev --job word-count",)),
    Command(
        "logs",
        "Print the logs of a job's pods",
        _logs,
        (
            RUNNING_STACK,
            JOB,
            option(
                "--previous",
                action="store_true",
                help="the stored logs of containers that no longer run; requires `logging`",
            ),
            option("--since", default="", metavar="TIME", help="only lines of this time: 30m, 2h (--previous: 1d)"),
        ),
        examples=("dev --job word-count", "dev --job word-count --previous --since 2h"),
    ),
    Command(
        "monitor",
        "Open local ports to Grafana, Prometheus, Alertmanager and VictoriaLogs",
        _monitor,
        (STACK,),
        examples=("dev",),
    ),
    Command(
        "savepoints",
        "List the savepoints and checkpoints that jobs can restore, the newest first",
        _savepoints,
        (
            STACK,
            JOBS,
            OVERLAY,
            option("--format", choices=["text", "json"], default="text", help="format of the list (default: text)"),
        ),
        "Lists the directories of each job by a short-lived pod with the job's image, account and credentials. Exit"
        " code 1 if something cannot be read.",
        ("dev", "prod --job orders --format json"),
    ),
    Command("grafana-creds", "Print Grafana's user and password", _grafana_creds, (STACK,), examples=("dev",)),
)
"""Commands that read from a running stack."""
