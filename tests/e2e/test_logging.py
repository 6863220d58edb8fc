"""The log store on the sandbox: the command and the dashboard's link find the logs of a killed TaskManager."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from contextlib import redirect_stdout
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import yaml

from flink_k8s.config.logging_model import LoggingSettings
from flink_k8s.operations.access import log_store, stored_logs
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.processes import start
from tests.e2e.running_totals import JOB, NAMESPACE, RunningTotals
from tests.project import ROOT
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

LAYER = ROOT / "sandbox" / "layers" / "logging.yaml"
STARTED = re.compile(r"Starting TaskManager|Starting Kubernetes TaskExecutor|TaskManagerRunner")


@pytest.fixture(scope="module")
def totals(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> RunningTotals:
    """The streaming job, deployed with the log store."""
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--logging"], cwd=ROOT, check=True)
    small = {"jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}}
    config: dict[str, Any] = yaml.safe_load(LAYER.read_text())
    totals = RunningTotals(
        kubectl, tmp_path_factory.mktemp("totals"), list, config=config, settings={"enabled": True, **small}
    )
    totals.up()
    return totals


def test_logs_of_a_killed_taskmanager_are_found(totals: RunningTotals, kubectl: Kubectl) -> None:
    with step("kill the TaskManager"):
        totals.seen_running()
        killed = totals.kill("taskmanager")
        totals.seen_running()
        [replacement] = totals.pods("taskmanager")
        assert replacement != killed

    settings = LoggingSettings(enabled=True)

    def previous() -> list[str] | None:
        """What `make logs PREVIOUS=1` prints once it has the start of the TaskManager.

        The command cannot read the job from an overlay, so the test calls its function.
        """
        with redirect_stdout(StringIO()) as output:
            assert stored_logs(kubectl, log_store(settings), NAMESPACE, [JOB], "1d") == 0
        lines = output.getvalue().splitlines()
        return lines if any(killed in line and STARTED.search(line) for line in lines) else None

    with step("read them by the command"):
        lines = until("the command prints the start of the killed TaskManager", previous)
        assert not [line for line in lines if replacement in line], "only containers that no longer run"
        assert not [line for line in lines if not line.startswith("[pod/")]

    with step("read them by the dashboard's link"):
        link = settings.job_link
        assert link is not None
        link = link.replace("${namespace}", NAMESPACE).replace("${job}", JOB)
        [query] = parse_qs(urlsplit(link.replace("/#/", "/")).query)["query"]
        pods = {entry["kubernetes.pod_name"] for entry in ask(kubectl, settings, f"_time:1d {query}")}
        assert {killed, replacement} <= pods
        assert all(pod.startswith(JOB) for pod in pods)

    with step("only the logs of jobs and the operator are stored"):
        namespaces = {
            entry["kubernetes.pod_namespace"]
            for entry in ask(kubectl, settings, '_time:1d * | uniq by ("kubernetes.pod_namespace")')
        }
        assert namespaces == {NAMESPACE, "flink-operator"}


def ask(kubectl: Kubectl, settings: LoggingSettings, query: str) -> list[dict[str, str]]:
    """What the log store answers."""
    target = log_store(settings)
    connection = start(kubectl.command(*target.port_forward(19428)))
    try:
        assert connection.stdout is not None
        connection.stdout.readline()
        address = "http://127.0.0.1:19428/select/logsql/query"
        with urllib.request.urlopen(address, urlencode({"query": query}).encode()) as answer:
            return [json.loads(line) for line in answer]
    finally:
        connection.terminate()
        connection.wait()
