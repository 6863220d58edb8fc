"""`python -m dev.bench.scaling`: run the autoscaler with a load that rises and falls; write docs/autoscaling.svg.

Requires the sandbox with operator 1.7.0, the newest whose autoscaler is published. A job of Flink 1.19 copies orders
from Kafka to Kafka; each order takes a fixed time. The options of the profile `eager` are used as they are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dev.bench.empty_sandbox import empty_sandbox
from dev.bench.lines import Panel, chart
from dev.bench.measure import machine
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT
from sandbox.home import home
from sandbox.images import KAFKA_JOBS_1_19, build_images
from sandbox.images.kafka import LOCAL, PORT, Kafka
from sandbox.lock import locked
from tests.e2e import paced_orders
from tests.e2e.kafka_broker import LABELS, PASSWORD, POD, SERVICE, Broker, broker
from tests.e2e.kafka_broker import NAMESPACE as BROKERS
from tests.e2e.paced_orders import INPUT, NAME, OUTPUT, WORK
from tests.e2e.running_totals import NAMESPACE, RunningTotals
from tests.project import PAIRS, Project, destroy
from tests.waiting import until

OPERATOR = "1.7.0"
DATA, PLOT = "autoscaling.json", "autoscaling.svg"
MILLISECONDS = 5
"""Time of an order. With the time of Python's own work, a subtask processes about 100 orders per second."""

LARGEST = 8
LOAD = ((0, 60), (180, 60), (240, 400), (600, 400), (630, 60), (1500, 60))
"""Orders per second at seconds since the job runs; between two points the rate changes evenly."""

_INTERVAL = 5
"""Seconds between two samples."""

Load = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sample:
    """The job at a moment.

    Attributes:
        seconds: since the start of the load.
        rate: orders per second that are produced.
        lag: orders that the source has not read; None while the job restarts.
        parallelism: of the vertex that works; None while the job restarts.
        task_managers: number of TaskManagers that run.
    """

    seconds: float
    rate: float
    lag: int | None
    parallelism: int | None
    task_managers: int


@dataclass(frozen=True)
class Result:
    """A run.

    Attributes:
        samples: in order of time.
        decisions: seconds and text of each event in which the autoscaler reports a scaling.
        produced: number of orders.
    """

    samples: Sequence[Sample]
    decisions: Sequence[tuple[float, str]]
    produced: int

    @property
    def steps(self) -> list[tuple[float, int]]:
        """Seconds and parallelism at the start, and of each change."""
        steps: list[tuple[float, int]] = []
        for sample in self.samples:
            if sample.parallelism is not None and (not steps or steps[-1][1] != sample.parallelism):
                steps.append((sample.seconds, sample.parallelism))
        return steps


def rate_at(load: Load, seconds: float) -> float:
    """Orders per second at a time; before the first and after the last point, the rate of that point."""
    before = max((point for point in load if point[0] <= seconds), default=load[0])
    after = min((point for point in load if point[0] > seconds), default=load[-1])
    if before[0] >= after[0]:
        return before[1]
    share = (seconds - before[0]) / (after[0] - before[0])
    return before[1] + min(max(share, 0), 1) * (after[1] - before[1])


class Producer(threading.Thread):
    """Produces orders with the numbers 0, 1, 2 … at the rate of a load.

    Attributes:
        produced: number of orders so far.
    """

    def __init__(self, kubectl: Kubectl, load: Load) -> None:
        """
        Args:
            kubectl: for the cluster of the broker.
            load: to produce.
        """
        super().__init__(daemon=True)
        options = ["--bootstrap-server", LOCAL, "--topic", INPUT, "--timeout", "100"]
        options += ["--message-send-max-retries", "1000000", "--command-property", "enable.idempotence=true"]
        command = ["exec", "-i", "-n", BROKERS, POD, "--", "kafka-console-producer.sh", *options]
        self._process = subprocess.Popen(kubectl.command(*command), stdin=subprocess.PIPE, text=True)
        self._load = load
        self._end = threading.Event()
        self.produced = 0

    def run(self) -> None:
        """Write the due orders ten times per second, until `stop`."""
        assert self._process.stdin is not None
        last, due = time.monotonic(), 0.0
        start = last
        while not self._end.wait(0.1):
            now = time.monotonic()
            due += (now - last) * rate_at(self._load, now - start)
            last = now
            numbers = range(self.produced, int(due))
            self._process.stdin.write("".join(f"{number}\n" for number in numbers))
            self._process.stdin.flush()
            self.produced = int(due)
        self._process.stdin.close()

    def stop(self) -> int:
        """The number of orders, all of them acknowledged by the broker.

        Raises:
            AssertionError: if the producer has failed.
        """
        self._end.set()
        self.join()
        code = self._process.wait(timeout=60)
        assert code == 0, f"kafka-console-producer.sh has exited with {code}"
        return self.produced


@contextmanager
def deployed(kubectl: Kubectl, folder: Path, options: Mapping[str, str]) -> Generator[tuple[Broker, RunningTotals]]:
    """The broker with its topics, and the running job.

    Args:
        kubectl: for the sandbox, without the stack.
        folder: an empty folder.
        options: Flink options of the job.

    Raises:
        AssertionError: if the stack cannot be deployed or destroyed.
    """
    with locked(home().lock, "build the images of the autoscaler's run"):
        build_images([Kafka().name, KAFKA_JOBS_1_19.name])
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--operator", OPERATOR], cwd=ROOT, check=True)
    platform = Project(folder).copy({f"{NAME}.yaml": "\n---\n".join(map(json.dumps, _objects(options)))})

    def up(**job: object) -> None:
        result = platform.make("up", PAIRS[OPERATOR].read_text(), jobs={NAME: job, "word-count": None})
        assert result.code == 0, result.output

    with broker(kubectl) as running:
        for topic in (INPUT, OUTPUT):
            running.create_topic(topic, partitions=LARGEST)
        running.create_user(NAME, reads=INPUT, writes=OUTPUT)
        try:
            up(enabled=False)
            kubectl.run("create", "secret", "generic", NAME, "-n", NAMESPACE, f"--from-literal=password={PASSWORD}")
            up(
                autoscaling={"profile": "eager", "min": 1, "max": LARGEST},
                parameters={"brokers": f"{SERVICE}.{BROKERS}.svc:{PORT}", "milliseconds": MILLISECONDS},
                secretEnv={"KAFKA_PASSWORD": {"secret": NAME, "key": "password"}},
                egress=[{"namespace": BROKERS, "pods": LABELS, "ports": [PORT]}],
            )
            yield running, RunningTotals(kubectl, folder, list, name=NAME, pair=OPERATOR)
        finally:
            destroy()


def run(kubectl: Kubectl, folder: Path, load: Load, options: Mapping[str, str]) -> Result:
    """Run the job with the load, and count its output.

    Args:
        kubectl: for the sandbox, without the stack.
        folder: an empty folder.
        load: orders per second at seconds since the job runs.
        options: Flink options of the job, which override those of the profile.

    Raises:
        AssertionError: if an order is not once in the output.
    """
    with deployed(kubectl, folder, options) as (running, job):
        until("the job runs", job.job)
        producer = Producer(kubectl, load)
        begun, start = time.time(), time.monotonic()
        producer.start()
        samples: list[Sample] = []
        read: dict[str, int] = {}
        decisions: dict[str, float] = {}
        while (seconds := time.monotonic() - start) < load[-1][0]:
            samples.append(_sample(job, seconds, load, producer.produced, read))
            decisions |= _decisions(kubectl, begun)
            say(str(samples[-1]))
            time.sleep(_INTERVAL)
        produced = producer.stop()
        until("all orders are in the output", lambda: running.count(OUTPUT) >= produced, 600)
        numbers = sorted(map(int, running.committed(OUTPUT)))
        assert numbers == list(range(produced)), f"{len(numbers)} records in the output of {produced} orders"
        return Result(samples, sorted((seconds, text) for text, seconds in decisions.items()), produced)


def _sample(job: RunningTotals, seconds: float, load: Load, produced: int, read: dict[str, int]) -> Sample:
    """The job now.

    Args:
        job: the job.
        seconds: since the start of the load.
        load: of the run.
        produced: number of orders so far.
        read: number of orders that the source has read, by the metric of the partition; updated.
    """
    rate = rate_at(load, seconds)
    task_managers = len(job.pods("taskmanager"))
    running = job.job()
    if running is None:
        return Sample(seconds, rate, None, None, task_managers)
    source = next(vertex for vertex in running["vertices"] if vertex["name"].startswith("Source"))
    metrics = f"/jobs/{running['jid']}/vertices/{source['id']}/subtasks/metrics"
    name = f"Source__orders.KafkaSourceReader.topic.{INPUT}.partition.%s.currentOffset"
    names = ",".join(name % partition for partition in range(LARGEST))
    offsets: list[dict[str, Any]] = job.ask(f"{metrics}?get={names}&agg=max") or []
    # `pendingRecords`, which the autoscaler reads, is as old as the last fetch of each partition.
    for offset in offsets:
        # After a restart it is -1 until the first record of the partition.
        read[offset["id"]] = max(read.get(offset["id"], 0), int(offset["max"]) + 1)
    lag = max(produced - sum(read.values()), 0) if len(offsets) == LARGEST else None
    parallelism = next(int(vertex["parallelism"]) for vertex in running["vertices"] if WORK in vertex["name"])
    return Sample(seconds, rate, lag, parallelism, task_managers)


def _decisions(kubectl: Kubectl, begun: float) -> dict[str, float]:
    """The text of the autoscaler's last report, and its seconds since the start: a report replaces the one before."""
    output = kubectl.get("events", "-n", NAMESPACE, "--field-selector", f"involvedObject.name={NAME}") or {"items": []}
    events = [event for event in output["items"] if event["reason"] == "ScalingReport"]
    times = {event["message"]: datetime.fromisoformat(event["lastTimestamp"]).timestamp() for event in events}
    return {message: time - begun for message, time in times.items()}


def _objects(options: Mapping[str, str]) -> list[dict[str, Any]]:
    """The job, and the ConfigMap with its code."""
    source = Path(paced_orders.__file__)
    folder = "/opt/flink/usrlib/bench"
    container = {
        "name": "flink-main-container",
        "volumeMounts": [{"name": "code", "mountPath": folder, "readOnly": True}],
    }
    configuration = {
        "taskmanager.numberOfTaskSlots": "2",
        "execution.checkpointing.interval": "10 s",
        "pipeline.max-parallelism": "24",
        # Each order is processed before the next one is accepted, so that Flink measures the time of the Python code.
        "python.fn-execution.bundle.size": "1",
        # Few orders in buffers: a checkpoint waits until they are processed.
        "taskmanager.network.memory.buffer-debloat.enabled": "true",
        **options,
    }
    job = {
        "entryClass": "org.apache.flink.client.python.PythonDriver",
        "args": ["-pyclientexec", "/usr/local/bin/python3", "-py", f"{folder}/{source.name}"],
        "parallelism": 1,
        "upgradeMode": "savepoint",
    }
    spec = {
        "image": KAFKA_JOBS_1_19.name,
        "imagePullPolicy": "IfNotPresent",
        "flinkVersion": "v1_19",
        "flinkConfiguration": configuration,
        "podTemplate": {
            "spec": {
                "containers": [container],
                "volumes": [{"name": "code", "configMap": {"name": NAME}}],
            }
        },
        "jobManager": {"resource": {"memory": "1600m", "cpu": 0.2}},
        "taskManager": {"resource": {"memory": "1600m", "cpu": 0.2}},
        "job": job,
    }
    code = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}}
    deployment = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": NAME}}
    return [{**code, "data": {source.name: source.read_text()}}, {**deployment, "spec": spec}]


def panels(result: Result) -> list[Panel]:
    """Load, lag and parallelism over time, in minutes."""
    samples = result.samples

    def points(values: Sequence[float | None]) -> list[tuple[float, float]]:
        pairs = zip(samples, values, strict=True)
        return [(sample.seconds / 60, value) for sample, value in pairs if value is not None]

    return [
        Panel("orders per second", {"produced": points([sample.rate for sample in samples])}),
        Panel("orders that are not read yet (lag)", {"lag": points([sample.lag for sample in samples])}),
        Panel(
            "parallelism",
            {
                "subtasks of the vertex": points([sample.parallelism for sample in samples]),
                "TaskManagers": points([sample.task_managers for sample in samples]),
            },
            is_stepped=True,
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see `--help`."""
    parser = argparse.ArgumentParser(prog="dev.bench.scaling", description=__doc__)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the plot and its data")
    docs: Path = parser.parse_args(arguments).docs
    title = machine()
    with empty_sandbox() as kubectl, tempfile.TemporaryDirectory() as folder:
        result = run(kubectl, Path(folder), LOAD, {})
    (docs / DATA).write_text(json.dumps({"machine": title, **asdict(result)}, indent=1) + "\n", encoding="utf-8")
    (docs / PLOT).write_text(chart("minutes", panels(result)), encoding="utf-8")
    say(f"{result.produced} orders, each once in the output; parallelism: {result.steps}; written: {docs / PLOT}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
