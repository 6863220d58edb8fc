"""Part d: the operator with many jobs, with the platform's configuration of it and with the chart's.

The operator is a process of this machine, from the jars that the sandbox gets from Maven. Outside of a cluster it sends
the requests to all jobs to `localhost`, where `flink_rest` answers for each job. No pod runs: the benchmark reports the
operator's Deployments as available.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml

from dev.bench.cluster import forget
from dev.bench.flink_rest import OBSERVATION, flink_rest, job_id
from dev.bench.measure import Cost
from dev.bench.objects_api import Api, Watch, proxied
from dev.bench.table import Row, Skipped
from dev.bench.workload import STACK, objects, project
from flink_k8s.components.flink_operator import values
from flink_k8s.config.model import Charts, OperatorSettings
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import capture
from sandbox.charts import build_chart
from sandbox.home import home
from sandbox.images.operator import Operator, class_path
from sandbox.lock import locked
from sandbox.report import Failure

PART = "d"
_SECONDS, _POLL = 600, 5
_MINUTE = 60
_CHANGES = 3
_RELEASE = "flink-kubernetes-operator"
_JOBS = f"/apis/flink.apache.org/v1beta1/namespaces/{STACK}/flinkdeployments"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{STACK}/deployments"


@dataclass(frozen=True)
class Variant:
    """The operator's program and configuration.

    Attributes:
        jars: of the operator.
        files: of the folder with its configuration.
        java_options: such as the maximum heap.
    """

    jars: Path
    files: Mapping[str, str]
    java_options: Sequence[str] = ()


def measure(counts: Sequence[int], cluster: Kubectl | Skipped) -> Iterator[Row | Skipped]:
    """The rows of the part.

    Args:
        counts: numbers of jobs.
        cluster: to use, without an operator for the benchmark's namespace; or the reason why there is none.
    """
    if isinstance(cluster, Skipped):
        yield cluster
        return
    watched = [STACK]
    for count in counts:
        try:
            ours = costs(count, cluster, variant(values(OperatorSettings(webhook=False), watched, Charts(), count)))
            theirs = costs(count, cluster, variant({"webhook": {"create": False}, "watchNamespaces": watched}))
        except (Failure, CommandError) as error:
            yield Skipped(PART, f"the operator with {count} jobs: {error}")
            continue
        for work, cost in ours.items():
            yield Row(PART, work, count, "our values", cost, "the chart's defaults", theirs[work])


def variant(chart_values: Mapping[str, Any]) -> Variant:
    """The operator as its chart configures it.

    Raises:
        CommandError: if the chart rejects the values.
        Failure: if the jars cannot be downloaded.
    """
    operator = Operator(OperatorSettings().version)
    with locked(home().lock, "fetch the operator"):
        jars, chart = operator.jars(home()), build_chart(operator)
    command = [find_tool("helm"), "template", _RELEASE, chart, "--show-only", "templates/config.yaml", "--values", "-"]
    result = capture(command, stdin=json.dumps(chart_values).encode())
    if result.returncode != 0:
        raise CommandError(f"helm template: {result.stderr.decode(errors='replace').strip()}")
    files = cast(Mapping[str, str], yaml.safe_load(result.stdout)["data"])
    options = cast(str, chart_values.get("jvmArgs", {}).get("operator", ""))
    return Variant(jars, files, shlex.split(options))


def costs(count: int, cluster: Kubectl, operator: Variant) -> Mapping[str, Cost]:
    """The cost of each phase in the operator's life with that many jobs; all objects are deleted afterwards.

    The operator deploys one more job first, because Java loads most of its classes then.

    Raises:
        CommandError: if a phase takes too long, or the operator sends an unexpected request to a job.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="flink-k8s-bench-")))
        manifests = objects(project(folder / "project", count + 1), folder / "out")
        jobs = [path for path in manifests if "-flinkdeployment-" in path.name]
        api = running.enter_context(proxied(cluster))
        ports, requests = running.enter_context(flink_rest(len(jobs)))
        for path, port in zip(jobs, ports, strict=True):
            path.write_text(addressed(path.read_text(encoding="utf-8"), port), encoding="utf-8")
        running.callback(forget, cluster, [STACK])
        running.callback(_remove_finalizers, api)
        for path in manifests:
            if path not in jobs:
                cluster.run("apply", "--server-side", "-f", str(path))
        Watch(api, _DEPLOYMENTS, lambda deployment: report_available(api, deployment))
        watch = Watch(api, _JOBS)
        with process(folder, cluster, operator) as java:
            _deploy(cluster, jobs[:1])
            java.wait(watch, 1, is_deployed)
            begin = java.now()
            _deploy(cluster, jobs[1:])
            java.wait(watch, len(jobs), is_deployed)
            phases = {"all jobs deployed": java.since(begin)}
            java.wait(watch, len(jobs), lambda job: lifecycle(job) == "STABLE")
            time.sleep(_MINUTE / 2)  # the operator observes jobs more often while they start
            begin, observations = java.now(), requests[OBSERVATION]
            time.sleep(_MINUTE)
            minute, observations = java.since(begin), requests[OBSERVATION] - observations
            say(f"{count} jobs: each is observed {observations / len(jobs):.1f} times in {minute.wall:.0f} s")
            phases["a minute of running jobs"] = replace(minute, megabytes=java.live_heap())
            changes = [_change(api, watch, java, f"job-{number:04}") for number in range(_CHANGES)]
            phases["one job changed, until the operator acts"] = min(changes, key=lambda cost: cost.wall)
    unexpected = sorted(path for path in requests if path.startswith("unanswered:"))
    if unexpected:
        raise CommandError(f"the operator sent requests that the benchmark does not answer: {', '.join(unexpected)}")
    return phases


def addressed(manifest: str, port: int) -> str:
    """The job with a port of `flink_rest` as its REST interface."""
    job = yaml.safe_load(manifest)
    job["spec"]["flinkConfiguration"] |= {"rest.port": str(port), "$internal.pipeline.job-id": job_id(port)}
    return yaml.safe_dump(job)


def report_available(api: Api, deployment: Mapping[str, Any]) -> None:
    """Set the status of a Deployment that its controller would set once all pods are ready."""
    metadata, replicas = deployment["metadata"], deployment["spec"]["replicas"]
    if deployment.get("status", {}).get("observedGeneration") == metadata["generation"]:
        return
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    available = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
    status = {**numbers, "observedGeneration": metadata["generation"], "conditions": [available]}
    api.patch(f"{_DEPLOYMENTS}/{metadata['name']}/status", {"status": status})


def is_deployed(job: Mapping[str, Any]) -> bool:
    """Whether the operator has deployed a job."""
    return bool(job.get("status", {}).get("reconciliationStatus", {}).get("state") == "DEPLOYED")


def lifecycle(job: Mapping[str, Any]) -> str | None:
    """The state of a job as the operator reports it."""
    return job.get("status", {}).get("lifecycleState")


@dataclass(frozen=True)
class Process:
    """The operator while it runs.

    Attributes:
        child: its process.
        log: its output.
    """

    child: subprocess.Popen[bytes]
    log: Path

    def now(self) -> Cost:
        """The time, and the CPU seconds and the largest resident set until now."""
        folder = Path("/proc") / str(self.child.pid)
        spent = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        peak = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmHWM"))
        return Cost(time.monotonic(), sum(map(int, spent)) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024)

    def since(self, begin: Cost) -> Cost:
        """The cost since then."""
        end = self.now()
        return Cost(end.wall - begin.wall, end.cpu - begin.cpu, end.megabytes)

    def live_heap(self) -> float:
        """Megabytes of the heap that are in use after a full collection."""
        capture(["jcmd", str(self.child.pid), "GC.run"])
        columns, numbers = capture(["jstat", "-gc", str(self.child.pid)]).stdout.decode().splitlines()
        used = dict(zip(columns.split(), map(float, numbers.split()), strict=True))
        return sum(used[area] for area in ("S0U", "S1U", "EU", "OU")) / 1024

    def wait(self, watch: Watch, count: int, condition: Callable[[Mapping[str, Any]], bool]) -> None:
        """Wait until a number of jobs fulfil a condition.

        Raises:
            CommandError: if they do not in time, or the operator has ended.
        """
        deadline = time.monotonic() + _SECONDS
        while not watch.wait(_POLL, lambda jobs: sum(map(condition, jobs.values())) >= count):
            if time.monotonic() > deadline or self.child.poll() is not None:
                reason = f"{_SECONDS} s are over" if self.child.poll() is None else "the operator has ended"
                states = dict(Counter(str(lifecycle(job)) for job in watch.objects.values()))
                output = self.log.read_text(errors="replace")[-2000:]
                raise CommandError(f"{reason}; states of the jobs: {states}; the operator's log: {output}")


@contextmanager
def process(folder: Path, cluster: Kubectl, operator: Variant) -> Generator[Process]:
    """The operator, while the block runs; its files are written to a folder."""
    for name, text in operator.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    kubeconfig = folder / "kubeconfig"
    # Java's client has no option for the context.
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_bytes(cluster.run("config", "view", "--minify", "--flatten", "--raw"))
    names = class_path([path.name for path in (operator.jars / "lib").iterdir()])
    command = [
        *(find_tool("java"), *operator.java_options),
        f"-Dlog4j.configurationFile={folder / 'log4j-operator.properties'}",
        *("-cp", ":".join(str(operator.jars / "lib" / name) for name in names)),
        "org.apache.flink.kubernetes.operator.FlinkOperator",
    ]
    env = {
        **{name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"},
        "KUBECONFIG": str(kubeconfig),
        "FLINK_CONF_DIR": str(folder),
        "FLINK_PLUGINS_DIR": str(operator.jars / "plugins"),
        "OPERATOR_NAME": _RELEASE,
        "OPERATOR_NAMESPACE": STACK,
    }
    log = folder / "operator.log"
    with log.open("wb") as output, subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=output) as java:
        try:
            yield Process(java, log)
        finally:
            java.kill()


def _deploy(cluster: Kubectl, jobs: Sequence[Path]) -> None:
    manifest = b"---\n".join(path.read_bytes() for path in jobs)
    cluster.run("apply", "--server-side", "-f", "-", stdin=manifest)


def _change(api: Api, watch: Watch, java: Process, name: str) -> Cost:
    """Change a job's parallelism, and wait until the operator begins the upgrade; then until the job runs again."""
    begin = java.now()
    api.patch(f"{_JOBS}/{name}", {"spec": {"job": {"parallelism": 3}}})

    def is_observed(job: Mapping[str, Any]) -> bool:
        metadata = job["metadata"]
        return metadata["name"] == name and metadata["generation"] == job["status"]["observedGeneration"] > 1

    java.wait(watch, 1, is_observed)
    cost = java.since(begin)
    java.wait(watch, len(watch.objects), lambda job: lifecycle(job) == "STABLE")
    return cost


def _remove_finalizers(api: Api) -> None:
    """Without an operator, the finalizers of jobs block their deletion."""
    for name in api.names(_JOBS):
        api.patch(f"{_JOBS}/{name}", {"metadata": {"finalizers": None}})
