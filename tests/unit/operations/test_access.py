"""`make monitor`, `make ui`, `make logs`, `make grafana-creds` with a fake kubectl."""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs

import pytest

from flink_k8s.operations import access
from flink_k8s.operations.access import Target
from flink_k8s.operations.stack import Stack
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from tests.unit.project import SESSION, Project

FAKE = """
import json, pathlib, sys, time
folder = pathlib.Path(__file__).parent
words = [word for word in sys.argv[1:] if word not in ("--context", "fake")]
if words[0] == "get":
    file = folder / f"{words[1]}-{words[2]}.json"
    if not file.exists():
        print(f'Error from server (NotFound): {words[1]} "{words[2]}" not found', file=sys.stderr)
        sys.exit(1)
    print(file.read_text())
else:
    (folder / "started").open("a").write(" ".join(words) + chr(10))
    if (folder / "refuse").exists():
        sys.exit(3)
    print("Forwarding from 127.0.0.1", flush=True)
    print("Handling connection" * 100000, flush=True)  # more than a pipe holds
    (folder / "ready").open("a").write("1")
    time.sleep(0 if (folder / "break").exists() else 60)
    sys.exit(1)
"""

BLUE_GREEN = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkBlueGreenDeployment
metadata: {name: shop}
spec:
  template:
    spec:
      image: pyflink:dev
      flinkVersion: v2_2
      jobManager: {resource: {memory: 1600m, cpu: 1}}
      taskManager: {resource: {memory: 1600m, cpu: 1}}
      job: {jarURI: "local:///job.jar", parallelism: 1, upgradeMode: stateless}
"""
SNAPSHOT = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: evening}
spec:
  jobReference: {kind: FlinkDeployment, name: word-count}
  savepoint: {}
"""

MONITORING = access.monitoring("monitoring")
GRAFANA, PROMETHEUS, ALERTMANAGER = MONITORING
FLINK_UI = Target("Flink's UI", "flink", "word-count-rest", "rest", 8081)


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "kubectl"
        program.write_text(f"#!{sys.executable} -SE\n{FAKE}")
        program.chmod(0o755)
        self.kubectl = Kubectl(str(program), "fake", None)

    def has(self, kind: str, name: str, **content: object) -> None:
        (self.folder / f"{kind}-{name}.json").write_text(json.dumps({"metadata": {"name": name}, **content}))

    @property
    def started(self) -> list[str]:
        file = self.folder / "started"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.fixture
def ctrl_c(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The printed lines; Ctrl-C is simulated as soon as all addresses are printed."""
    printed: list[str] = []

    def say(text: str) -> None:
        printed.append(text)
        if text == "press Ctrl-C to stop":
            raise KeyboardInterrupt

    monkeypatch.setattr(access, "say", say)
    return printed


def test_monitor_prints_all_addresses_and_ends_with_ctrl_c(cluster: Cluster, ctrl_c: list[str]):
    for target in MONITORING:
        cluster.has("service", target.service)
    assert access._monitor(cluster.kubectl, MONITORING) == 0
    assert [re.sub(r":\d+$", "", line) for line in ctrl_c] == [
        "Grafana: http://localhost",
        "Prometheus: http://localhost",
        "Alertmanager: http://localhost",
        "press Ctrl-C to stop",
    ]
    assert len(cluster.started) == 3
    for line, target in zip(cluster.started, MONITORING, strict=True):
        assert line.startswith(f"port-forward -n monitoring svc/{target.service} ")
        assert line.endswith(f":{target.port} --address 127.0.0.1")
    ports = {line.rsplit(":", 1)[1] for line in ctrl_c[:3]}
    assert len(ports) == 3
    assert {re.search(r" (\d+):", line)[1] for line in cluster.started} == ports


def test_monitor_skips_missing_services(cluster: Cluster, ctrl_c: list[str]):
    cluster.has("service", PROMETHEUS.service)
    assert access._monitor(cluster.kubectl, MONITORING) == 0
    assert len(ctrl_c) == 2
    assert ctrl_c[0].startswith("Prometheus: ")


def test_monitor_without_any_service_is_an_error(cluster: Cluster):
    with pytest.raises(
        CommandError, match="none of the services monitoring/prometheus-grafana, monitoring/prometheus-operated"
    ):
        access._monitor(cluster.kubectl, MONITORING)
    assert not cluster.started


def test_a_broken_connection_ends_all(cluster: Cluster):
    for target in MONITORING:
        cluster.has("service", target.service)
    (cluster.folder / "break").touch()
    assert access._monitor(cluster.kubectl, MONITORING) == 1


def test_an_address_that_does_not_answer_is_not_printed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    printed: list[str] = []
    monkeypatch.setattr(access, "say", printed.append)
    cluster.has("service", "word-count-rest")
    (cluster.folder / "refuse").touch()
    assert access.forward(cluster.kubectl, FLINK_UI) == 3
    assert not [line for line in printed if "localhost" in line]


def test_a_missing_service_is_an_error(cluster: Cluster):
    with pytest.raises(CommandError, match="service word-count-rest does not exist in namespace flink yet"):
        access.forward(cluster.kubectl, FLINK_UI)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A job, a session job in its cluster, a blue/green deployment and a snapshot."""
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.job(BLUE_GREEN, "shop.yaml")
    project.job(SESSION, "session.yaml")
    project.job(SNAPSHOT, "snapshot.yaml")
    return Stack("x", project.root / "Pulumi.x.yaml", project.load())


@pytest.mark.parametrize(
    ("job", "selector"),
    [
        ("word-count", "app in (word-count)"),
        ("in-session", "app in (session)"),
        ("shop", "app in (shop-blue,shop-green)"),
    ],
)
def test_logs_select_all_pods_of_the_job(cluster: Cluster, stack: Stack, job: str, selector: str):
    (cluster.folder / "refuse").touch()
    assert access.logs(cluster.kubectl, stack, job) == 3
    [line] = cluster.started
    assert line == f"logs -n flink -l {selector} --all-containers --tail=-1 --prefix"


def test_logs_since_a_time(cluster: Cluster, stack: Stack):
    (cluster.folder / "refuse").touch()
    assert access.logs(cluster.kubectl, stack, "word-count", since="2h") == 3
    [line] = cluster.started
    assert line.endswith("--all-containers --tail=-1 --prefix --since=2h")


class LogStore(ThreadingHTTPServer):
    """VictoriaLogs; it answers each query with two lines, or with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Query)
        self.queries: list[str] = []
        self.error = ""


class _Query(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        store = cast(LogStore, self.server)
        store.queries += parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"]
        self.send_response(400 if store.error else 200)
        self.end_headers()
        pod = {"kubernetes.pod_name": "orders-taskmanager-1-1", "kubernetes.container_name": "main"}
        lines = [json.dumps({"_msg": message, **pod}) for message in ("started", "killed")]
        self.wfile.write((store.error or "\n".join(lines)).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def log_store(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Generator[LogStore]:
    """A log store at the port that kubectl forwards."""
    cluster.has("service", "victoria-logs")
    with LogStore() as store:
        monkeypatch.setattr(access, "free_port", lambda _: store.server_port)
        threading.Thread(target=store.serve_forever, daemon=True).start()
        yield store
        store.shutdown()


def test_previous_logs_are_those_of_containers_that_no_longer_run(
    cluster: Cluster, stack: Stack, log_store: LogStore, capsys: pytest.CaptureFixture[str]
):
    runs = {"containerID": "containerd://new", "state": {"running": {}}}
    ended = {"containerID": "containerd://old", "state": {"terminated": {}}}
    cluster.has("pods", "-n", items=[{"status": {"containerStatuses": [runs, ended]}}, {"status": {}}])
    assert access.logs(cluster.kubectl, stack, "shop", previous=True, since="2h") == 0
    prefix = "[pod/orders-taskmanager-1-1/main]"
    assert capsys.readouterr().out == f"{prefix} started\n{prefix} killed\n"
    [line] = cluster.started
    assert line.startswith("port-forward -n logging svc/victoria-logs ")
    assert log_store.queries == [
        '_time:2h "kubernetes.pod_namespace":="flink" "kubernetes.pod_labels.app":in("shop-blue","shop-green")'
        ' !"kubernetes.container_id":in("containerd://new") | sort by (_time)'
    ]


def test_the_error_of_the_log_store_is_printed(cluster: Cluster, stack: Stack, log_store: LogStore):
    log_store.error = 'cannot parse query: missing "x"'
    with pytest.raises(CommandError, match='VictoriaLogs rejects the query: cannot parse query: missing "x"'):
        access.logs(cluster.kubectl, stack, "word-count", previous=True)
    assert log_store.queries[0].startswith("_time:1d ")


def test_previous_logs_without_a_log_store_are_an_error(cluster: Cluster, stack: Stack):
    with pytest.raises(CommandError, match=r"does not exist in namespace logging; set logging: \{enabled: true\}"):
        access.logs(cluster.kubectl, stack, "word-count", previous=True)
    assert not cluster.started


@pytest.mark.parametrize(
    ("job", "state", "service"),
    [
        ("word-count", "", "word-count-rest"),
        ("in-session", "", "session-rest"),
        ("shop", "INITIALIZING_BLUE", "shop-blue-rest"),
        ("shop", "ACTIVE_BLUE", "shop-blue-rest"),
        ("shop", "SAVEPOINTING_BLUE", "shop-blue-rest"),
        ("shop", "TRANSITIONING_TO_GREEN", "shop-blue-rest"),
        ("shop", "ACTIVE_GREEN", "shop-green-rest"),
        ("shop", "SAVEPOINTING_GREEN", "shop-green-rest"),
        ("shop", "TRANSITIONING_TO_BLUE", "shop-green-rest"),
    ],
)
@pytest.mark.usefixtures("ctrl_c")
def test_ui_forwards_to_the_cluster_that_runs_the_job(
    cluster: Cluster, stack: Stack, job: str, state: str, service: str
):
    cluster.has("flinkbluegreendeployment", "shop", status={"blueGreenState": state})
    cluster.has("service", service)
    assert access.ui(cluster.kubectl, stack, job) == 0
    [line] = cluster.started
    assert line.startswith(f"port-forward -n flink svc/{service} ")
    assert line.endswith(":rest --address 127.0.0.1")


def test_ui_of_a_missing_blue_green_deployment_is_an_error(cluster: Cluster, stack: Stack):
    with pytest.raises(CommandError, match="neither shop-blue nor shop-green in namespace flink has the job yet"):
        access.ui(cluster.kubectl, stack, "shop")
    assert not cluster.started


@pytest.mark.parametrize("command", [access.ui, access.logs])
def test_ui_and_logs_of_a_snapshot_are_errors(
    cluster: Cluster, stack: Stack, command: Callable[[Kubectl, Stack, str], int]
):
    with pytest.raises(CommandError, match="FlinkStateSnapshot evening has no pods of its own"):
        command(cluster.kubectl, stack, "evening")
    assert not cluster.started


def test_grafana_credentials_are_printed(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    data = {"admin-user": "admin", "admin-password": "pass word"}
    cluster.has("secret", "ours", data={key: base64.b64encode(text.encode()).decode() for key, text in data.items()})
    access._credentials(cluster.kubectl, "monitoring", "ours")
    assert capsys.readouterr().out == "admin-user: admin\nadmin-password: pass word\n"
    with pytest.raises(CommandError, match="secret grafana-admin does not exist"):
        access._credentials(cluster.kubectl, "monitoring", "grafana-admin")
