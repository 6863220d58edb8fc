"""Monitoring as `up` brings it: what is scraped, what the dashboards show, which alerts are raised.

With the sandbox's Prometheus, which the program's own monitors and rules configure, the word count and a streaming job.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.monitoring import AlertName
from flink_k8s.monitoring.queries import Query, queries
from flink_k8s.support.kubectl import Kubectl
from sandbox.home import home
from tests.e2e.prometheus import Prometheus, prometheus
from tests.project import ROOT, make
from tests.waiting import until

NAMESPACE, JOB, BATCH = "flink", "running-totals", "word-count"
MONITORING, OPERATOR = "monitoring", "flink-operator"
SMALL = {"jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}}
LAYER: dict[str, Any] = {
    # Two CPUs hold all of it: jobs ask for little here.
    "jobDefaults": {
        "flinkConfiguration": {
            "kubernetes.jobmanager.cpu.limit-factor": "8",
            "kubernetes.taskmanager.cpu.limit-factor": "8",
        }
    },
    "jobs": {
        BATCH: SMALL,
        JOB: {
            **SMALL,
            "enabled": True,
            "parameters": {"rate": 200},
            # A job that loses its TaskManager fails, and stays so: what otherwise is prevented.
            "flinkConfiguration": {
                "restart-strategy.type": "none",
                "kubernetes.operator.job.restart.failed": "false",
            },
        },
    },
    # With a threshold for the alert that does not exist without one.
    "prometheus": {"alerts": {"failedFor": "1s", "savepointAge": "25h"}},
}

TARGETS = 'up{job=~".+/(flink-jobs|flink-kubernetes-operator)"}'
FAILED = "flink_k8soperator_namespace_Lifecycle_State_FAILED_Count"
VARIABLES = {"namespace": NAMESPACE, "job": JOB, "datasource": ""}

_STATE_METRICS = "of kube-state-metrics, which is not in the sandbox"
_AUTOSCALER = "of the autoscaler, which the sandbox's operator does not have"
_NODE_EXPORTER = "of node-exporter, which is not in the sandbox"
WITHOUT_DATA = {
    ("flink-job", "Records that sources have not read yet", "A"): "the streaming job's source does not know",
    ("flink-job", "Watermark lag", "A"): "the streaming job has no event time",
    **{("flink-job", "Parallelism", ref): _AUTOSCALER for ref in "AB"},
    ("flink-job", "Load", "A"): _AUTOSCALER,
    **{("flink-job", "Records that each vertex can process, and must process", ref): _AUTOSCALER for ref in "ABC"},
    **{("flink-job", "Scalings", ref): _AUTOSCALER for ref in "AB"},
    ("flink-platform", "Declared resources", "A"): _STATE_METRICS,
    ("flink-platform", "Errors", "A"): _STATE_METRICS,
    ("flink-resources", "CPU of the nodes", "A"): _NODE_EXPORTER,
    ("flink-resources", "Memory of the nodes", "A"): _NODE_EXPORTER,
    ("flink-resources", "CPU by pod, share of the request", "A"): _STATE_METRICS,
    ("flink-resources", "Memory by pod, share of the limit", "A"): _STATE_METRICS,
}
"""Why a query (dashboard, panel, letter) returns nothing here."""

RELOAD_SECONDS = 240
"""Prometheus' config-reloader looks every 3 minutes: what changes before it begins to watch is seen then."""

DESTROY_SECONDS = 600
"""If Prometheus still ends, Kubernetes looks again at its namespace after half of the pod's grace period: 301 s."""

ALERTS = ("flink-platform", "Alerts", "A")
NOW_AND_THEN = {
    ALERTS: "an alert may be pending while a job starts; when one fires there has to be data",
    ("flink-operator", "Reconciliations", "C"): "a reconciliation may fail and be repeated",
    ("flink-operator", "Reconciliations", "D"): "a reconciliation may fail and be repeated",
    ("flink-operator", "Failed reconciliations by resource", "A"): "a reconciliation may fail and be repeated",
}
"""Queries whose data depends on the moment, and on what."""


def layer_file(folder: Path) -> Path:
    """The overlay that enables Prometheus, and the settings of these tests."""
    shipped = yaml.safe_load((ROOT / "sandbox" / "layers" / "prometheus.yaml").read_text())
    path = folder / "layer.yaml"
    path.write_text(json.dumps(merge_mappings(shipped, LAYER)))
    return path


@pytest.fixture(scope="module")
def up(no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The stack, brought up once by `make up`; LAYER=… for further targets."""
    option = f"LAYER={layer_file(tmp_path_factory.mktemp('monitoring'))}"
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--prometheus"], cwd=ROOT, check=True)
    try:
        result = make("up", "STACK=sandbox", option, timeout=600)
        assert result.returncode == 0, result.stderr
        yield option
    finally:
        make("destroy", "STACK=sandbox", option, timeout=DESTROY_SECONDS)
        # Helm leaves them, with or without the release.
        names = kubectl.run("get", "crd", "-o", "name").decode().split()
        ours = [name for name in names if name.endswith(".monitoring.coreos.com")]
        if ours:
            kubectl.run("delete", *ours, "--timeout=60s")


@pytest.fixture(scope="module")
def server(kubectl: Kubectl, up: str) -> Generator[Prometheus]:
    """The Prometheus of the stack."""
    with prometheus(kubectl, MONITORING) as server:
        yield server


def flink_pods(kubectl: Kubectl) -> set[tuple[str, str]]:
    """Namespace and name of each JobManager, TaskManager and operator that runs."""
    actual: set[tuple[str, str]] = set()
    for selector in ("type=flink-native-kubernetes", "app.kubernetes.io/name=flink-kubernetes-operator"):
        listed = json.loads(kubectl.run("get", "pods", "-A", "-l", selector, "-o", "json"))["items"]
        for pod in listed:
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]:
                actual.add((pod["metadata"]["namespace"], pod["metadata"]["name"]))
    return actual


@pytest.fixture(scope="module")
def scraped(kubectl: Kubectl, server: Prometheus) -> Prometheus:
    """The same once it scrapes every process."""

    def all_answer() -> bool:
        return server.labels(f"{TARGETS} == 1", "namespace", "pod") == flink_pods(kubectl)

    def scraped_pods() -> str:
        return f"{flink_pods(kubectl)} run, scraped are {server.labels(TARGETS, 'namespace', 'pod')}"

    until("every process answers Prometheus", all_answer, RELOAD_SECONDS, state=scraped_pods)
    return server


def name(query: Query) -> tuple[str, str, str]:
    return query.dashboard, query.panel, query.ref


def data(server: Prometheus, query: Query) -> list[dict[str, Any]]:
    """The result of a dashboard's query with its variables; the error of Prometheus if it is not valid PromQL."""
    return server.query(query.filled(VARIABLES, "1m"))


def firing(server: Prometheus) -> set[str]:
    return {alert["labels"]["alertname"] for alert in server.get("alerts")["alerts"] if alert["state"] == "firing"}


@pytest.mark.usefixtures("scraped")
def test_every_process_is_scraped(kubectl: Kubectl):
    pods = flink_pods(kubectl)
    assert any(pod.startswith(f"{JOB}-taskmanager-") for _, pod in pods), pods
    assert any(pod.startswith(BATCH) for _, pod in pods), pods
    assert any(namespace == OPERATOR for namespace, _ in pods), pods


def test_no_process_is_scraped_twice(scraped: Prometheus):
    assert scraped.query(f"count by (namespace, pod) ({TARGETS}) > 1") == []


def test_targets_have_labels_of_their_job_and_component(scraped: Prometheus):
    labels = scraped.labels(f'{TARGETS} and on (pod) up{{namespace="{NAMESPACE}"}}', "app", "component")
    assert {(JOB, "jobmanager"), (JOB, "taskmanager"), (BATCH, "jobmanager")} <= labels


def test_every_alert_is_loaded_and_evaluates(server: Prometheus):
    until(
        "every rule was evaluated",
        lambda: {rule["health"] for rule in server.rules()} == {"ok"},
        RELOAD_SECONDS,
        state=lambda: [(rule["name"], rule["health"], rule.get("lastError")) for rule in server.rules()],
    )
    rules = server.rules()
    assert {rule["name"] for rule in rules} == set(AlertName.__args__)
    for rule in rules:
        server.query(rule["query"])  # raises the error of Prometheus if it is invalid


@pytest.mark.usefixtures("up")
def test_promtool_finds_nothing_in_the_rules(kubectl: Kubectl, tmp_path: Path):
    rules = json.loads(kubectl.run("get", "prometheusrules", "-n", MONITORING, "-o", "json"))["items"]
    promtool = shutil.which("promtool") or str(home().bin / "promtool")
    groups = [group for rule in rules for group in rule["spec"]["groups"]]
    assert groups
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    result = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_dashboard_query_has_data(scraped: Prometheus):
    actual = list(queries())
    unknown = (WITHOUT_DATA.keys() | NOW_AND_THEN.keys()) - {name(query) for query in actual}
    assert not unknown, f"there is no such query any more: {unknown}"
    missing = [query for query in actual if name(query) not in WITHOUT_DATA.keys() | NOW_AND_THEN.keys()]
    assert len(missing) > 50

    def all_have() -> bool:
        missing[:] = [query for query in missing if not data(scraped, query)]
        return not missing

    for query in actual:
        if name(query) in NOW_AND_THEN:
            data(scraped, query)  # Prometheus takes it
    until("every query has data", all_have, 120, state=lambda: [(name(q), q.filled(VARIABLES)) for q in missing])
    surprising = [name(query) for query in actual if name(query) in WITHOUT_DATA and data(scraped, query)]
    assert not surprising, f"these have data, so their reasons are wrong: {surprising}"


def test_healthy_jobs_raise_no_alert(scraped: Prometheus):
    assert firing(scraped) == set()


def test_a_job_that_fails_raises_its_alert(kubectl: Kubectl, scraped: Prometheus):
    """After the tests of healthy jobs: the job stays failed."""
    kubectl.run(
        "delete", "pods", "-n", NAMESPACE, "-l", f"app={JOB},component=taskmanager", "--grace-period=0", "--force"
    )
    until(
        "FlinkJobFailed fires",
        lambda: "FlinkJobFailed" in firing(scraped),
        120,
        state=lambda: (scraped.get("alerts"), scraped.query(FAILED)),
    )
    (alert,) = [alert for alert in scraped.get("alerts")["alerts"] if alert["labels"]["alertname"] == "FlinkJobFailed"]
    assert alert["labels"]["namespace"] == NAMESPACE
    assert alert["labels"]["severity"] == "critical"
    page = ROOT / alert["annotations"]["runbook_url"]
    assert page.exists(), "the runbook that it points to"
    (panel,) = [query for query in queries() if name(query) == ALERTS]
    assert "FlinkJobFailed" in {series["metric"]["alertname"] for series in data(scraped, panel)}


def test_destroy_leaves_nothing(kubectl: Kubectl, up: str):
    """The last test: it destroys the stack of the others."""
    result = make("destroy", "STACK=sandbox", up, timeout=DESTROY_SECONDS)
    assert result.returncode == 0, result.stderr
    namespaces = kubectl.run("get", "namespaces", "-o", "name").decode().split()
    assert not {f"namespace/{MONITORING}", f"namespace/{NAMESPACE}", f"namespace/{OPERATOR}"} & set(namespaces)
    remaining = kubectl.run("get", "clusterroles,clusterrolebindings", "-o", "name").decode()
    assert "prometheus" not in remaining
