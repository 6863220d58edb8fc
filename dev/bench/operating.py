"""Part d: how long the operator takes until it has deployed many jobs that come at once, with our settings of it.

The operator runs as a process of this machine, out of the jars that the sandbox fetches from Maven, with the files that
its chart makes of the program's values, and beside it with those of the chart's defaults. Any API server does: a quota
lets no pod of the jobs start, since it is the operator's own work that is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml

from components.flink_operator import values
from dev.bench.cluster import forget
from dev.bench.measure import Cost
from dev.bench.table import Row, Skipped
from dev.bench.workload import NAMESPACE, objects, project
from flink_k8s.config.model import OperatorSettings
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import FailedError, capture
from sandbox.home import home
from sandbox.images.operator import Operator, class_path
from sandbox.report import Failure

PART = "d"
_SECONDS = 600
_RELEASE = "flink-kubernetes-operator"


def measure(counts: Sequence[int], cluster: Kubectl | Skipped) -> Iterator[Row | Skipped]:
    """Rows as they are measured.

    Args:
        counts: numbers of jobs.
        cluster: to use, one whose operator leaves the bench's namespace alone; or why there is none.
    """
    if isinstance(cluster, Skipped):
        yield cluster
        return
    settings = OperatorSettings(webhook=False)
    try:
        jars = Operator(settings.version).jars(home())
        ours = _configuration(settings.version, values(settings, [NAMESPACE]))
        theirs = _configuration(settings.version, {"webhook": {"create": False}})
    except (Failure, CommandError, FailedError) as error:
        yield Skipped(PART, str(error))
        return
    for count in counts:
        here, beside = (until_deployed(count, cluster, jars, files) for files in (ours, theirs))
        yield Row(PART, "deployed by the operator", count, "our settings", here, "the chart's defaults", beside)


def _configuration(version: str, chart_values: Mapping[str, object]) -> Mapping[str, str]:
    """The files that the operator's pod has in its configuration folder.

    Raises:
        FailedError: when the chart is not there, or does not take the values.
    """
    chart = home().charts / f"{_RELEASE}-{version}.tgz"
    if not chart.exists():
        raise FailedError(f"{chart} is not there; run: python -m sandbox build")
    command = [find_tool("helm"), "template", _RELEASE, chart, "--show-only", "templates/config.yaml", "--values", "-"]
    done = capture(command, stdin=json.dumps(chart_values).encode())
    if done.returncode != 0:
        raise FailedError(f"helm template: {done.stderr.decode(errors='replace').strip()}")
    return cast(Mapping[str, str], yaml.safe_load(done.stdout)["data"])


def until_deployed(count: int, cluster: Kubectl, jars: Path, configuration: Mapping[str, str]) -> Cost:
    """From the first of that many jobs' coming to the last one's being deployed: seconds, and the operator's share.

    The operator has deployed one job before, so that Java has loaded what it needs.

    Args:
        count: of jobs.
        cluster: where.
        jars: the operator's.
        configuration: its files.

    Raises:
        FailedError: when it takes too long.
    """
    with TemporaryDirectory(prefix="flink-k8s-bench-") as folder:
        place = Path(folder)
        manifests = objects(project(place / "project", count + 1), place / "out")
        jobs = [path for path in manifests if "-flinkdeployment-" in path.name]
        try:
            _prepare(cluster, [path for path in manifests if path not in jobs])
            with _operator(place, cluster, jars, configuration) as operator:
                _deploy(cluster, jobs[:1], operator)
                return _deploy(cluster, jobs[1:], operator)
        finally:
            _release(cluster)
            forget(cluster)


@dataclass(frozen=True)
class _Process:
    """The operator while it runs.

    Attributes:
        child: its process.
        log: what it says.
    """

    child: subprocess.Popen[bytes]
    log: Path

    def used(self) -> tuple[float, float]:
        """CPU seconds, and the largest resident set in MB, so far."""
        process = Path("/proc") / str(self.child.pid)
        spent = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        peak = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
        return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024


@contextmanager
def _operator(place: Path, cluster: Kubectl, jars: Path, configuration: Mapping[str, str]) -> Generator[_Process]:
    folder = place / "conf"
    folder.mkdir()
    for name, text in configuration.items():
        (folder / name).write_text(text, encoding="utf-8")
    kubeconfig = place / "kubeconfig"
    # Java's client knows no option for the context.
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_bytes(cluster.run("config", "view", "--minify", "--flatten", "--raw"))
    names = class_path([path.name for path in (jars / "lib").iterdir()])
    log = place / "operator.log"
    command = [
        _java(),
        f"-Dlog4j.configurationFile={folder / 'log4j-operator.properties'}",
        f"-Dlog.file={place / 'operator-rolling.log'}",
        *("-cp", ":".join(str(jars / "lib" / name) for name in names)),
        "org.apache.flink.kubernetes.operator.FlinkOperator",
    ]
    env = {
        **{name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"},
        "KUBECONFIG": str(kubeconfig),
        "FLINK_CONF_DIR": str(folder),
        "FLINK_PLUGINS_DIR": str(jars / "plugins"),
        "OPERATOR_NAME": _RELEASE,
        "OPERATOR_NAMESPACE": NAMESPACE,
    }
    with log.open("wb") as said, subprocess.Popen(command, cwd=place, env=env, stdout=said, stderr=said) as child:
        try:
            yield _Process(child, log)
        finally:
            child.kill()


def _java() -> str:
    found = shutil.which("java")
    if found is None:
        raise FailedError("java is not on PATH")
    return found


def _prepare(cluster: Kubectl, manifests: Sequence[Path]) -> None:
    for path in manifests:
        cluster.run("apply", "--server-side", "-f", str(path))
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-pods"},
        "spec": {"hard": {"pods": 0}},
    }
    cluster.run("apply", "--server-side", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(quota).encode())


def _deploy(cluster: Kubectl, jobs: Sequence[Path], operator: _Process) -> Cost:
    wanted = {str(yaml.safe_load(path.read_bytes())["metadata"]["name"]) for path in jobs}
    folder = jobs[0].parent / f"{len(jobs)}-jobs"
    folder.mkdir()
    for path in jobs:
        (folder / path.name).symlink_to(path)
    before, _ = operator.used()
    begun = time.monotonic()
    with _events(cluster, operator) as events:
        apply = subprocess.Popen(
            cluster.command("apply", "--server-side", "-f", str(folder)), stdout=subprocess.DEVNULL
        )
        for line in events:
            name, _, state = line.partition(" ")
            if state == "DEPLOYED":
                wanted.discard(name)
            if not wanted:
                break
        took = time.monotonic() - begun
        apply.wait()
    if wanted:
        said = operator.log.read_text(errors="replace")[-2000:]
        raise FailedError(f"{len(wanted)} of {len(jobs)} jobs were not deployed in {_SECONDS} s; the operator: {said}")
    after, peak = operator.used()
    return Cost(took, after - before, peak)


@contextmanager
def _events(cluster: Kubectl, operator: _Process) -> Generator[Iterator[str]]:
    """`name state` of each job whenever it changes, until the time is out or the operator has ended."""
    form = r'jsonpath={.metadata.name} {.status.reconciliationStatus.state}{"\n"}'
    command = cluster.command("get", "flinkdeployments", "-n", NAMESPACE, "--watch", "-o", form)
    ended = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:

        def end() -> None:
            deadline = time.monotonic() + _SECONDS
            while time.monotonic() < deadline and operator.child.poll() is None and not ended.wait(0.5):
                pass
            watch.kill()

        thread = threading.Thread(target=end)
        thread.start()
        try:
            assert watch.stdout is not None
            yield (line.rstrip("\n") for line in watch.stdout)
        finally:
            ended.set()
            thread.join()


def _release(cluster: Kubectl) -> None:
    """Jobs without an operator wait for it when they are deleted: takes that promise off all of them at once."""
    found = json.loads(cluster.run("get", "flinkdeployments", "-n", NAMESPACE, "-o", "json"))
    items = cast(list[dict[str, Any]], found["items"])
    for one in items:
        one["metadata"] = {"name": one["metadata"]["name"], "namespace": NAMESPACE}
        one.pop("status", None)
    if items:
        cluster.run("replace", "-f", "-", stdin=json.dumps(found).encode())
