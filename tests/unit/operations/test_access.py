"""`make monitor`, `make ui`, `make grafana-creds` against a stand-in for kubectl."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.operations import access as look
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

GRAFANA, PROMETHEUS, ALERTMANAGER = look.MONITORING


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
    """What was said until somebody presses Ctrl-C, which is as soon as all addresses are there."""
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text == "press Ctrl-C to stop":
            raise KeyboardInterrupt

    monkeypatch.setattr(look, "say", say)
    return said


def test_all_addresses_are_said_and_ctrl_c_ends_them(cluster: Cluster, ctrl_c: list[str]):
    for target in look.MONITORING:
        cluster.has("service", target.service)
    assert look._monitor(cluster.kubectl, "monitoring") == 0
    assert [re.sub(r":\d+$", "", line) for line in ctrl_c] == [
        "Grafana: http://localhost",
        "Prometheus: http://localhost",
        "Alertmanager: http://localhost",
        "press Ctrl-C to stop",
    ]
    assert len(cluster.started) == 3
    for line, target in zip(cluster.started, look.MONITORING, strict=True):
        assert line.startswith(f"port-forward -n monitoring svc/{target.service} ")
        assert line.endswith(f":{target.port} --address 127.0.0.1")
    ports = {line.rsplit(":", 1)[1] for line in ctrl_c[:3]}
    assert len(ports) == 3
    assert {re.search(r" (\d+):", line)[1] for line in cluster.started} == ports


def test_what_is_not_there_is_left_out(cluster: Cluster, ctrl_c: list[str]):
    cluster.has("service", PROMETHEUS.service)
    assert look._monitor(cluster.kubectl, "monitoring") == 0
    assert len(ctrl_c) == 2
    assert ctrl_c[0].startswith("Prometheus: ")


def test_nothing_there_is_an_error_that_names_what_was_looked_for(cluster: Cluster):
    with pytest.raises(CommandError, match="none of prometheus-grafana, prometheus-operated"):
        look._monitor(cluster.kubectl, "monitoring")
    assert not cluster.started


def test_one_that_breaks_ends_all(cluster: Cluster):
    for target in look.MONITORING:
        cluster.has("service", target.service)
    (cluster.folder / "break").touch()
    assert look._monitor(cluster.kubectl, "monitoring") == 1


def test_an_address_that_does_not_answer_is_not_said(cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(look, "say", said.append)
    cluster.has("service", "word-count-rest")
    (cluster.folder / "refuse").touch()
    assert look.forward(cluster.kubectl, "flink", Target("Flink's UI", "word-count-rest", "rest", 8081)) == 3
    assert not [line for line in said if "localhost" in line]


def test_a_job_without_its_service_is_said(cluster: Cluster):
    with pytest.raises(CommandError, match="service word-count-rest does not exist in namespace flink yet"):
        look.forward(cluster.kubectl, "flink", Target("Flink's UI", "word-count-rest", "rest", 8081))


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
def test_logs_are_those_of_all_pods_that_flink_labels_for_the_job(
    cluster: Cluster, stack: Stack, job: str, selector: str
):
    (cluster.folder / "refuse").touch()
    assert look.logs(cluster.kubectl, stack, job) == 3
    [line] = cluster.started
    assert line == f"logs -n flink -l {selector} --all-containers --tail=-1 --prefix"


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
def test_the_ui_is_that_of_the_cluster_that_has_the_job_now_at_whatever_port_its_service_has(
    cluster: Cluster, stack: Stack, job: str, state: str, service: str
):
    cluster.has("flinkbluegreendeployment", "shop", status={"blueGreenState": state})
    cluster.has("service", service)
    assert look.ui(cluster.kubectl, stack, job) == 0
    [line] = cluster.started
    assert line.startswith(f"port-forward -n flink svc/{service} ")
    assert line.endswith(":rest --address 127.0.0.1")


def test_a_blue_green_deployment_that_is_not_there_has_no_ui(cluster: Cluster, stack: Stack):
    with pytest.raises(CommandError, match="neither shop-blue nor shop-green in namespace flink has the job yet"):
        look.ui(cluster.kubectl, stack, "shop")
    assert not cluster.started


@pytest.mark.parametrize("access", [look.ui, look.logs])
def test_a_snapshot_has_no_pods_to_look_at(
    cluster: Cluster, stack: Stack, access: Callable[[Kubectl, Stack, str], int]
):
    with pytest.raises(CommandError, match="FlinkStateSnapshot evening has no pods of its own"):
        access(cluster.kubectl, stack, "evening")
    assert not cluster.started


def test_grafanas_user_and_password(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    data = {"admin-user": "admin", "admin-password": "pass word"}
    cluster.has("secret", "ours", data={key: base64.b64encode(text.encode()).decode() for key, text in data.items()})
    look._credentials(cluster.kubectl, "monitoring", "ours")
    assert capsys.readouterr().out == "admin-user: admin\nadmin-password: pass word\n"
    with pytest.raises(CommandError, match="secret grafana-admin does not exist"):
        look._credentials(cluster.kubectl, "monitoring", "grafana-admin")
