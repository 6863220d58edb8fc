"""Part d of the bench: its jobs answer the operator, and its phases end when the jobs are ready."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from dev.bench import operating
from dev.bench.flink_rest import OBSERVATION, flink_rest, job_id
from dev.bench.objects_api import Api, Watch
from dev.bench.operating import Process, addressed, is_deployed, report_available
from dev.bench.table import Skipped
from dev.bench.workload import job_file
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


class FakeApi:
    """Records changes, and serves one list of events."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.changes: list[tuple[str, Mapping[str, Any]]] = []
        self._events = [*events]

    def patch(self, path: str, change: Mapping[str, Any]) -> None:
        self.changes.append((path, change))

    def events(self, _: str) -> Iterator[dict[str, Any]]:
        yield from self._events
        raise ConnectionRefusedError


def api(*events: dict[str, Any]) -> Api:
    return cast(Api, FakeApi(*events))


def job(name: str, state: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"lifecycleState": state, "reconciliationStatus": {"state": state}}}


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
        return json.load(response)


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Process]:
    log = tmp_path / "operator.log"
    log.write_text("the operator's last words\n")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield Process(child, log)
        child.kill()


def test_each_job_has_its_own_port_and_id():
    with flink_rest(3) as (ports, requests):
        ids = [get(port, "/v1/jobs/overview?query=1")["jobs"][0]["jid"] for port in ports]
        assert get(ports[0], f"/v1/jobs/{ids[0]}/exceptions")["all-exceptions"] == []
    assert ids == [job_id(port) for port in ports]
    assert len({*ids}) == 3
    assert requests == {OBSERVATION: 3, "GET /v1/jobs/ID/exceptions": 1}


def test_a_request_without_an_answer_is_counted():
    with flink_rest(1) as (ports, requests):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(ports[0], "/v1/jars")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(ports[0], f"/v1/jobs/{job_id(ports[0] + 1)}/exceptions")
    assert requests["unanswered: GET /v1/jars"] == 1
    assert OBSERVATION not in requests


def test_the_ports_are_closed_at_the_end():
    with flink_rest(1) as (ports, _):
        pass
    with pytest.raises(urllib.error.URLError):
        get(ports[0], "/v1/config")


def test_a_job_gets_its_port_and_nothing_else():
    before = yaml.safe_load(job_file("a"))
    after = yaml.safe_load(addressed(job_file("a"), 5))
    added = {name: after["spec"]["flinkConfiguration"].pop(name) for name in ("rest.port", "$internal.pipeline.job-id")}
    assert after == before
    assert added == {"rest.port": "5", "$internal.pipeline.job-id": "f" + "5".rjust(31, "0")}


def test_a_new_deployment_becomes_available_once():
    fake = FakeApi()
    deployment = {"metadata": {"name": "a", "generation": 2}, "spec": {"replicas": 1}, "status": {}}
    report_available(cast(Api, fake), deployment)
    ((path, change),) = fake.changes
    assert path.endswith("/namespaces/bench/deployments/a/status")
    assert (change["status"]["availableReplicas"], change["status"]["observedGeneration"]) == (1, 2)
    report_available(cast(Api, fake), {**deployment, **change})
    assert len(fake.changes) == 1


def test_a_watch_keeps_the_newest_version_of_each_object(idle: Process):
    seen: list[str] = []
    events = job("a", "UPGRADING"), job("b", "DEPLOYED"), job("a", "DEPLOYED")
    watch = Watch(api(*events), "/jobs", lambda item: seen.append(item["metadata"]["name"]))
    idle.wait(watch, 2, is_deployed)
    assert seen == ["a", "b", "a"]
    assert {*watch.objects} == {"a", "b"}


def test_an_operator_that_has_ended_is_reported_with_its_output(idle: Process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(operating, "_POLL", 0.1)
    idle.child.kill()
    idle.child.wait()
    with pytest.raises(CommandError, match=r"has ended.*'UPGRADING': 1.*the operator's last words"):
        idle.wait(Watch(api(job("a", "UPGRADING")), "/jobs"), 1, is_deployed)


def test_the_cost_of_a_phase_is_that_of_the_operator_alone(tmp_path: Path):
    program = "import time; x = b'x' * (50 * 2**20); sum(range(10_000_000)); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-S", "-c", program], stdout=subprocess.PIPE) as child:
        java = Process(child, tmp_path / "log")
        begin = java.now()
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.05)
        phase = java.since(begin)
        child.kill()
    assert phase.megabytes > 50
    assert 0 < phase.cpu <= phase.wall + 0.02


def test_part_d_needs_a_cluster_and_the_chart(monkeypatch: pytest.MonkeyPatch):
    nowhere = Skipped("d", "no cluster is set")
    assert list(operating.measure([1], nowhere)) == [nowhere]

    def refuse(_: object) -> operating.Variant:
        raise CommandError("helm is not on PATH")

    monkeypatch.setattr(operating, "variant", refuse)
    assert list(operating.measure([1], Kubectl("kubectl", "bare", None))) == [
        Skipped("d", "the operator with 1 jobs: helm is not on PATH")
    ]
