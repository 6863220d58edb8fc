"""Flink's resources come after the operator's webhook answers; nothing else waits for it, nor does a preview."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Generator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pulumi
import pytest

from flink_k8s.components import flink_operator
from flink_k8s.config import stack_file
from flink_k8s.health.webhook import Webhook
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT
from tests.unit.health.listening import CONTEXT, kubeconfig_for

OPERATOR, JOB = "Release flink-operator/flink-kubernetes-operator", "FlinkDeployment flink/word-count"
LACKING = 'Internal error occurred: failed calling webhook "v": failed to call webhook: connect: connection refused'


class Cluster:
    """An API server that lacks the webhook some times, and the effects of a run on it: what comes when."""

    def __init__(self, folder: Path) -> None:
        self.graph: list[str] = []
        self.lacking = 2
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                is_there = cluster.lacking == 0
                cluster.lacking -= not is_there
                cluster.graph.append("webhook" if is_there else "no webhook")
                body = json.dumps({} if is_there else {"message": LACKING}).encode()
                self.send_response(201 if is_there else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        kubeconfig = kubeconfig_for(folder, self.server.server_port)
        self.config = {"kubeconfig": str(kubeconfig), "context": CONTEXT, "waitForJobs": False}

    def apply(self, resource: Resource) -> Mapping[str, object]:
        self.graph.append(resource.title)
        return {}

    def up(self, **more: Any) -> ResourceGraph:
        config = {**stack_file.read(ROOT, "dev"), **self.config, **more}
        return run_program(ROOT, "dev", config, preview=False, effects=self)


@pytest.fixture
def cluster(tmp_path: Path) -> Generator[Cluster]:
    actual = Cluster(tmp_path)
    serving = threading.Thread(target=actual.server.serve_forever, args=(0.05,))
    serving.start()
    yield actual
    actual.server.shutdown()
    serving.join()
    actual.server.server_close()


def test_jobs_are_created_after_the_webhook_responds(cluster: Cluster) -> None:
    cluster.up()
    release, requests = cluster.graph.index(OPERATOR), cluster.graph.index("no webhook")
    actual, job = cluster.graph.index("webhook"), cluster.graph.index(JOB)
    assert release < requests < actual < job
    assert cluster.graph.count("webhook") == 1, "for all jobs at once"


def test_webhook_is_not_polled_if_it_is_disabled(cluster: Cluster) -> None:
    cluster.up(operator={"webhook": False})
    assert JOB in cluster.graph
    assert not {"webhook", "no webhook"} & {*cluster.graph}


def test_unavailable_webhook_fails_up_before_any_job_is_created(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.lacking = 1_000_000
    monkeypatch.setattr(flink_operator, "Webhook", partial(Webhook, timeout_seconds=1))
    with pytest.raises(pulumi.RunError, match=r"the operator's webhook does not answer after 1 s.*connection refused"):
        cluster.up()
    assert JOB not in cluster.graph


def test_failed_operator_release_is_the_only_error(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def apply(resource: Resource) -> Mapping[str, object]:
        if resource.title == OPERATOR:
            raise pulumi.RunError("the chart is not there")
        return {}

    monkeypatch.setattr(cluster, "apply", apply)
    with pytest.raises(pulumi.RunError, match="the chart is not there"):
        cluster.up()
    gc.collect()
    assert "never retrieved" not in capfd.readouterr().err
    assert not cluster.graph


def test_preview_does_not_poll_the_webhook(resource_graph) -> None:
    graph = resource_graph("dev", context="there-is-none", kubeconfig="/nowhere")
    release = graph.find("Release", "flink-kubernetes-operator")
    assert graph.depends_on(graph.find("FlinkDeployment", "word-count"), release)
