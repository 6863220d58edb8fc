"""The sandbox for every test here, and what is needed to understand a failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from tools.kubectl import Kubectl
from tools.stack import prepare

ROOT = Path(__file__).resolve().parents[2]
FLINK_KINDS = ("flinkdeployments", "flinksessionjobs", "flinkbluegreendeployments", "flinkstatesnapshots")
REPEATED = ("reconciliationStatus", "lastReconciledSpec", "lastStableSpec")
"""In a status: what its other keys say, or the spec does."""
PAIRS = {path.stem: path for path in sorted((ROOT / "sandbox" / "pairs").glob("*.yaml"))}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pair", choices=sorted(PAIRS), help="run the demo with this operator version only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = None
    if sys.platform != "linux":
        why = "the sandbox needs Linux"
    elif os.geteuid() != 0:
        why = "the sandbox needs root"
    for item in items:
        if why and "e2e" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def sandbox() -> Path:
    """The running cluster without the stack `sandbox`, which these tests bring up and take down; its kubeconfig."""
    for command in (["sandbox", "up"], ["local.apply", "destroy", "--stack", "sandbox"]):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)
    return ROOT / ".sandbox" / "kubeconfig"


@pytest.fixture(scope="session")
def kubectl(sandbox: Path) -> Kubectl:
    """kubectl for the sandbox."""
    return Kubectl.of(prepare("sandbox"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None]:
    """Lays the cluster's state beside a failure: statuses, pods, events, logs."""
    outcome = yield
    report = outcome.get_result()  # pyright: ignore
    if report.failed and (ROOT / ".sandbox" / "kubeconfig").exists():
        report.sections.append(("cluster", cluster_state()))


def cluster_state() -> str:
    """What a person would ask the cluster first; CI may keep little of it, so what says most in fewest lines leads."""
    try:
        kubectl = Kubectl.of(prepare("sandbox"))
    except Exception as error:
        return f"no kubectl: {error}"
    operator = ("logs", "-n", "flink-operator", "-l", "app.kubernetes.io/name=flink-kubernetes-operator")
    text = statuses(kubectl)
    for arguments in (
        ("get", "pods", "-A", "-o", "wide"),
        ("get", "events", "-A", "--field-selector=type=Warning", "--sort-by=.lastTimestamp"),
        (*operator, "--tail=40"),
        ("get", "events", "-A", "--sort-by=.lastTimestamp"),
        (*operator, "--tail=300"),
        ("logs", "-n", "flink", "-l", "type=flink-native-kubernetes", "--tail=150", "--prefix"),
        ("logs", "-n", "cert-manager", "-l", "app.kubernetes.io/instance=cert-manager", "--tail=50", "--prefix"),
        ("logs", "-n", "monitoring", "-l", "app.kubernetes.io/part-of=kube-prometheus-stack", "--tail=100", "--prefix"),
        ("logs", "-n", "monitoring", "-l", "app.kubernetes.io/name=prometheus", "--all-containers", "--tail=100"),
        ("get", "--raw", "/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy/api/v1/targets"),
        ("get", ",".join(FLINK_KINDS), "-A", "-o", "yaml"),
    ):
        done = kubectl.try_run(*arguments, "--request-timeout=10s")
        said = (done.stdout + done.stderr).decode(errors="replace")
        text += f"\n$ kubectl {' '.join(arguments)}\n{said[-20_000:]}"
    return text


def statuses(kubectl: Kubectl) -> str:
    """A line for each of Flink's objects: its status without what repeats its spec."""
    lines = ["statuses:"]
    for kind in FLINK_KINDS:
        done = kubectl.try_run("get", kind, "-A", "-o", "json", "--request-timeout=10s")
        if done.returncode != 0:
            lines.append(done.stderr.decode(errors="replace").strip())
            continue
        for item in json.loads(done.stdout)["items"]:
            metadata, status = item["metadata"], item.get("status") or {}
            status = {**status, **(status.get("reconciliationStatus") or {})}
            brief = {key: value for key, value in status.items() if key not in REPEATED}
            name = f"{metadata['namespace']}/{metadata['name']} generation {metadata.get('generation')}"
            lines.append(f"{kind} {name}: {json.dumps(brief)}")
    return "\n".join(lines) + "\n"


def make(*arguments: str, timeout: float, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs `make` as a person would, shows what it printed, and leaves no child behind when the time is out.

    `make e2e` runs these tests: what it hands to a make below it (MAKELEVEL brings "Entering directory") is left out.
    """
    command = ["make", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS")}
    running = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, error = running.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGTERM)
        out, error = running.communicate()
        error += f"\nended by the test after {timeout:.0f} s"
    print(out, error)
    return subprocess.CompletedProcess(command, running.returncode, out, error)


def pod_names(kubectl: Kubectl, namespace: str, selector: str) -> list[str]:
    """Of the pods that are not about to go."""
    found = kubectl.get("pods", "-n", namespace, "-l", selector) or {"items": []}
    pods = (pod["metadata"] for pod in found["items"])
    return [pod["name"] for pod in pods if "deletionTimestamp" not in pod]


def only_for(pair: str, request: pytest.FixtureRequest, why: str) -> None:
    """Skips what belongs to a pair when another one was asked for; `why` is said of that other one."""
    wanted = request.config.getoption("--pair")
    if wanted and wanted != pair:
        pytest.skip(f"only {wanted} was asked for, {why}")


def layered(tmp_path: Path, pair: str, **config: object) -> Path:
    """A layer file: what the pair says, and more."""
    layer = yaml.safe_load(PAIRS[pair].read_text()) or {}
    path = tmp_path / "layer.yaml"
    path.write_text(json.dumps({**layer, **config}))
    return path
