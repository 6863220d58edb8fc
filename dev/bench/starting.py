"""Part c: from a cluster without anything to the first word count, beside the walk-through's own order of steps.

The same sandbox, charts and images; cert-manager and Prometheus come with both, as in the walk-through. The images are
in the cluster before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import yaml

from dev.bench.measure import Cost, cost
from dev.bench.table import Row, Skipped
from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts import versions
from flink_k8s.operations import deploy as engine
from flink_k8s.operations.demo import JOB, wait_until_finished
from flink_k8s.operations.stack import prepare, read_layer
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT, find_tool
from flink_k8s.support.processes import capture
from sandbox.home import home

PART = "c"
_STACK = "sandbox"
_SLEEP = 60
"""Seconds: the walk-through's, between cert-manager and what needs it."""
# By default cert-manager's chart leaves its definitions: nothing is to stay.
_CERT_MANAGER: Mapping[str, object] = {"certManager": {"enabled": True, "values": {"crds": {"keep": False}}}}
_OF_A_JOB = ("flinkdeployment", "persistentvolumeclaim")
_NAMESPACES = ("flink", "flink-operator", "cert-manager", "monitoring")


def measure() -> Iterator[Row | Skipped]:
    """The row; the sandbox is left as empty as it was.

    Raises:
        CommandError: when a step of either does not work.
    """
    try:
        cost([sys.executable, "-m", "sandbox", "up", "--cert-manager", "--prometheus"], ROOT)
        helm = find_tool("helm")
    except CommandError as error:
        yield Skipped(PART, f"it is measured in the sandbox: {error}")
        return
    layer = merge_mappings(read_layer(ROOT / "sandbox" / "layers" / "prometheus.yaml"), _CERT_MANAGER)
    stack = prepare(_STACK, layer)
    kubectl = Kubectl.of(stack)
    found = [name for name in _NAMESPACES if kubectl.get("namespace", name) is not None]
    if found:
        yield Skipped(PART, f"the sandbox is not empty, it has {', '.join(found)}; make destroy STACK={_STACK}")
        return
    job = next(one for one in stack.platform.jobs if one.name == JOB)
    with TemporaryDirectory(prefix="flink-k8s-bench-") as place:
        written = Path(place) / "layer.yaml"
        written.write_text(yaml.safe_dump(layer), encoding="utf-8")
        theirs = Steps(Path(place), kubectl, helm, written).cost(job)
        ours = _up(kubectl, job, written)
    title = engine.find(context=stack.context).title
    yield Row(PART, "from nothing to FINISHED", 1, f"make up; engine: {title}", ours, "walk-through", theirs)


def _up(kubectl: Kubectl, job: Job, layer: Path) -> Cost:
    def run(operation: str) -> Cost:
        return cost([sys.executable, "-m", "flink_k8s.operations.deploy", operation, _STACK, "--layer", layer], ROOT)

    try:
        begun = time.monotonic()
        up = run("up")
        wait_until_finished(kubectl, job)
        return Cost(time.monotonic() - begun, up.cpu, up.megabytes)
    finally:
        run("destroy")


class Steps:
    """The walk-through's: Prometheus, cert-manager, a minute's sleep, the operator, the job."""

    def __init__(self, place: Path, kubectl: Kubectl, helm: str, layer: Path) -> None:
        """
        Args:
            place: an empty folder.
            kubectl: for the sandbox.
            helm: path of the command.
            layer: what is laid over the sandbox's stack.
        """
        self._place = place
        self._kubectl = kubectl
        kubeconfig = [] if kubectl.kubeconfig is None else ["--kubeconfig", str(kubectl.kubeconfig)]
        self._helm = [helm, *kubeconfig, "--kube-context", kubectl.context]
        self._spent: list[Cost] = []
        out = place / "out"
        cost([sys.executable, "-m", "flink_k8s.program.render", _STACK, out, "--layer", layer], ROOT)
        files = [path for path in sorted(out.glob("*-*.yaml")) if path.name.split("-")[1] in _OF_A_JOB]
        self._job = self._file("job.yaml", "---\n".join(path.read_text(encoding="utf-8") for path in files))
        given = cast(Mapping[str, object], yaml.safe_load(layer.read_bytes())["prometheus"])
        self._prometheus = self._file("prometheus.yaml", yaml.safe_dump(given["values"]))
        self._operator = self._file("operator.yaml", yaml.safe_dump({"webhook": {"create": False}}))
        self._certificates = self._file("cert-manager.yaml", self._rendered("cert-manager", "crds.enabled=true"))

    def cost(self, job: Job) -> Cost:
        """All of them, until the job has finished."""
        try:
            begun = time.monotonic()
            self._run(self._kubectl.command("create", "namespace", "flink"))
            self._install("prometheus", versions.PROMETHEUS, self._prometheus)
            self._run(self._kubectl.command("create", "namespace", "cert-manager"))
            self._run(self._kubectl.command("create", "-f", str(self._certificates)))
            time.sleep(_SLEEP)
            self._install("flink", versions.OPERATOR, self._operator)
            self._run(self._kubectl.command("apply", "-n", "flink", "-f", str(self._job)))
            wait_until_finished(self._kubectl, job)
            took = time.monotonic() - begun
        finally:
            self._forget()
        return Cost(took, sum(one.cpu for one in self._spent), max(one.megabytes for one in self._spent))

    def _run(self, command: list[str]) -> None:
        self._spent.append(cost(command, self._place))

    def _install(self, release: str, chart: versions.Chart, values: Path) -> None:
        self._run([*self._helm, "install", release, _package(chart), "--namespace", "flink", "--values", str(values)])

    def _forget(self) -> None:
        """The job before its operator, which has to let it go."""
        for command in (
            self._kubectl.command("delete", "-n", "flink", "--ignore-not-found", "-f", str(self._job)),
            [*self._helm, "uninstall", "flink", "--namespace", "flink", "--ignore-not-found", "--wait"],
            [*self._helm, "uninstall", "prometheus", "--namespace", "flink", "--ignore-not-found", "--wait"],
            self._kubectl.command("delete", "--ignore-not-found", "-f", str(self._certificates)),
            self._kubectl.command("delete", "namespace", "--ignore-not-found", "flink", "cert-manager"),
        ):
            cost(command, self._place)

    def _rendered(self, name: str, values: str) -> str:
        command = [*self._helm, "template", name, _package(versions.CERT_MANAGER), "--namespace", name, "--no-hooks"]
        done = capture([*command, "--set", values])
        if done.returncode != 0:
            raise CommandError(f"helm template {name}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()

    def _file(self, name: str, text: str) -> Path:
        path = self._place / name
        path.write_text(text, encoding="utf-8")
        return path


def _package(chart: versions.Chart) -> str:
    """The sandbox's own chart of that name."""
    return str(home().charts / f"{chart.name}-{chart.version}.tgz")
