"""From an empty cluster to the first word count, compared with the steps of a walk-through with helm and kubectl.

Both deploy cert-manager, Prometheus, the operator and the word count from the sandbox's charts, with the same intervals
of the operator. The cluster has the images.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from dev.bench.live_cluster import NAMESPACE, PART, STACK, Config, Live
from dev.bench.measure import Cost, Run, run, total
from dev.bench.table import Row
from flink_k8s.config.stack_file import PREFIX
from flink_k8s.facts import versions
from flink_k8s.support.paths import ROOT, find_tool
from flink_k8s.support.processes import output
from sandbox.home import home

_SLEEP = 60
"""Seconds that the walk-through sleeps between cert-manager and what needs it."""
_STATE = "--for=jsonpath={.status.jobStatus.state}=FINISHED"
_FINISHED = ("wait", "flinkdeployment/word-count", "-n", NAMESPACE, "--timeout=600s", _STATE)


def measure(live: Live) -> Iterator[Row]:
    """The row; the cluster is empty before and afterwards."""
    overlay: Config = yaml.safe_load((ROOT / "sandbox" / "layers" / "prometheus.yaml").read_text(encoding="utf-8"))
    # The default of cert-manager's chart keeps its CRDs.
    config: Config = {**overlay, "certManager": {"enabled": True, "values": {"crds": {"keep": False}}}}
    theirs = WalkThrough(live, config).cost()
    ours = _up(live, config)
    yield Row(PART, "from an empty cluster to FINISHED", 1, "make up", ours, f"walk-through, `sleep {_SLEEP}`", theirs)


def _up(live: Live, config: Config) -> Cost:
    start = time.monotonic()
    up = live.run("up", STACK, config=config)
    runs = [up, live.kubectl_run(*_FINISHED)]
    wall = time.monotonic() - start
    live.run("destroy", STACK, "--yes", config=config)
    return total(runs, wall)


class WalkThrough:
    """The steps: Prometheus, cert-manager, a minute's sleep, the operator, the job."""

    def __init__(self, live: Live, config: Config) -> None:
        """
        Args:
            live: the cluster.
            config: merged over the stack's config.
        """
        self._live = live
        self._folder = live.folder.with_name("walk-through")
        self._folder.mkdir()
        kubeconfig = str(live.kubectl.kubeconfig)
        self._helm = [find_tool("helm"), "--kubeconfig", kubeconfig, "--kube-context", live.kubectl.context]
        self._job = self._file("job.yaml", live.rendered(["flinkdeployment", "persistentvolumeclaim"], config))
        stack = yaml.safe_load((ROOT / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))["config"]
        configuration = stack[f"{PREFIX}operator"]["configuration"]
        operator = {
            "webhook": {"create": False},
            "defaultConfiguration": {
                "create": True,
                "append": True,
                versions.operator_version(versions.OPERATOR.version).config_file: yaml.safe_dump(configuration),
            },
        }
        self._values = {
            versions.PROMETHEUS: self._file("prometheus.yaml", yaml.safe_dump(config["prometheus"]["values"])),
            versions.OPERATOR: self._file("operator.yaml", yaml.safe_dump(operator)),
        }
        template = [*self._helm, "template", "cert-manager", _package(versions.CERT_MANAGER), "--no-hooks"]
        options = ["--namespace", "cert-manager", "--set", "crds.enabled=true"]
        certificates = output("helm template", [*template, *options]).decode()
        self._certificates = self._file("cert-manager.yaml", certificates)

    def cost(self) -> Cost:
        """Run the steps until the job has finished, and delete everything."""
        start = time.monotonic()
        kubectl = self._live.kubectl_run
        try:
            runs = [
                kubectl("create", "namespace", NAMESPACE),
                self._install("prometheus", versions.PROMETHEUS),
                kubectl("create", "namespace", "cert-manager"),
                kubectl("create", "-f", self._certificates),
            ]
            time.sleep(_SLEEP)
            runs += [
                self._install("flink", versions.OPERATOR),
                kubectl("apply", "-n", NAMESPACE, "-f", self._job),
                kubectl(*_FINISHED),
            ]
            return total(runs, time.monotonic() - start)
        finally:
            kubectl("delete", "-n", NAMESPACE, "--ignore-not-found", "-f", self._job)  # the operator deletes the job
            for release in ("flink", "prometheus"):
                uninstall = ["uninstall", release, "--namespace", NAMESPACE, "--ignore-not-found", "--wait"]
                run([*self._helm, *uninstall], self._folder)
            kubectl("delete", "--ignore-not-found", "-f", self._certificates)
            kubectl("delete", "namespace", "--ignore-not-found", NAMESPACE, "cert-manager")

    def _install(self, release: str, chart: versions.Chart) -> Run:
        options = ["--namespace", NAMESPACE, "--values", self._values[chart]]
        return run([*self._helm, "install", release, _package(chart), *options], self._folder)

    def _file(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def _package(chart: versions.Chart) -> Path:
    """The sandbox's chart of that name."""
    return home().charts / f"{chart.name}-{chart.version}.tgz"
