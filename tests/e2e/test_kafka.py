"""From Kafka to Kafka exactly once: the jobs of examples/kafka on the sandbox, with a real broker.

Orders are produced without a pause. Whatever is killed or changed, a consumer of committed records sees each order once
in the output of both jobs, and the totals of each customer in their order.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import Any

import pytest
import yaml

from flink_k8s.support.kubectl import Kubectl
from sandbox.home import home
from sandbox.images import KAFKA_JOBS, build_images
from sandbox.images.kafka import Kafka
from sandbox.lock import locked
from tests.e2e.kafka_broker import PASSWORD, Broker, broker
from tests.e2e.running_totals import NAMESPACE, SAVEPOINT_OR_NONE, RunningTotals
from tests.project import ROOT, Project, destroy
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

EXAMPLE = ROOT / "examples" / "kafka"
TOTALS, LARGE = "order-totals", "large-orders"
CUSTOMERS, BATCH, LIMIT = 10, 200, 500
BEFORE, AFTER = "EUR", "USD"
"""The currency in the statement, and in the changed one."""


def order(number: int) -> tuple[str, str]:
    """The key and the value of an order: its amount is its number."""
    customer = f"c{number % CUSTOMERS}"
    return customer, json.dumps({"id": number, "customer": customer, "cents": number})


class Orders(threading.Thread):
    """Produces orders 1, 2, 3 … until it is stopped.

    Attributes:
        produced: the last order that the broker has acknowledged.
    """

    def __init__(self, topic: Broker) -> None:
        super().__init__(daemon=True)
        self._broker = topic
        self._end = threading.Event()
        self._error: Exception | None = None
        self.produced = 0

    def run(self) -> None:
        try:
            while not self._end.is_set():
                numbers = range(self.produced + 1, self.produced + BATCH + 1)
                self._broker.produce("orders", map(order, numbers))
                self.produced = numbers[-1]
        except Exception as error:  # `stop` raises it in the test
            self._error = error

    def stop(self) -> int:
        """The number of orders in the end."""
        self._end.set()
        self.join()
        if self._error is not None:
            raise self._error
        return self.produced


@pytest.fixture(scope="module")
def brokers(no_stack: None, kubectl: Kubectl) -> Generator[Broker]:
    """The broker with the topics and users of the example."""
    with locked(home().lock, "build the images of the tests with Kafka"):
        build_images([Kafka().name, KAFKA_JOBS.name])
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True)
    with broker(kubectl) as running:
        for topic in ("orders", TOTALS, LARGE):
            running.create_topic(topic)
        for job in (TOTALS, LARGE):
            running.create_user(job, reads="orders", writes=job)
        try:
            yield running
        finally:
            destroy()  # before the brokers: the jobs write to them


@pytest.fixture(scope="module")
def platform(brokers: Broker, engine: Project) -> Project:
    """A copy of the project with the jobs of the example, not up."""
    names = ("order_totals.sql", "large_orders.yaml")
    return engine.copy({name: (EXAMPLE / "jobs" / "kafka" / name).read_text() for name in names})


def config(**totals: object) -> dict[str, Any]:
    """The config of the example, for small jobs in the sandbox.

    Args:
        totals: settings of the SQL job.
    """
    stack = yaml.safe_load((EXAMPLE / "Pulumi.kafka.yaml").read_text())["config"]
    jobs: dict[str, Any] = stack["flink-k8s:jobs"]
    jobs[LARGE]["parameters"]["limit"] = LIMIT
    small = {
        "jobManager": {"cpu": 0.2},
        "taskManager": {"cpu": 0.2},
        "flinkConfiguration": {"execution.checkpointing.interval": "2 s", **SAVEPOINT_OR_NONE},
        "after": [],  # Strimzi, which creates topics and users, is not available here
        "connectors": [],  # the image contains the connector: pods cannot reach Maven Central
    }
    jobs[LARGE] |= small
    parameters = {**jobs[TOTALS]["parameters"], **totals.pop("parameters", {})}  # type: ignore[dict-item]
    jobs[TOTALS] |= {**small, **totals, "parameters": parameters}
    return {"jobs": jobs, "images": {"pyflink:dev": KAFKA_JOBS.name}}


def up(platform: Project, **totals: object) -> None:
    result = platform.make("up", **config(**totals))
    assert result.code == 0, result.output


def with_passwords(kubectl: Kubectl) -> None:
    """The Secrets that Strimzi creates for its users."""
    for name in (TOTALS, LARGE):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}}
        secret["stringData"] = {"password": PASSWORD}
        kubectl.run("apply", "-f", "-", stdin=json.dumps(secret).encode())


Totals = dict[str, list[tuple[int, int, str]]]
"""Count, turnover and currency in the rows of each customer, sorted."""


def totals_of(lines: Iterable[str]) -> Totals:
    by_customer: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for line in lines:
        row = json.loads(line)
        by_customer[row["customer"]].append((row["orders"], row["turnover"], row["currency"]))
    return {customer: sorted(totals) for customer, totals in by_customer.items()}


def problems(totals: Totals) -> list[str]:
    """Lost, repeated and wrong totals."""
    found: list[str] = []
    for customer, rows in totals.items():
        first = int(customer.removeprefix("c")) or CUSTOMERS
        expected = [(n, n * first + CUSTOMERS * n * (n - 1) // 2) for n in range(1, len(rows) + 1)]
        pairs = zip(rows, expected, strict=True)
        found += [f"{customer} has {row} instead of {right}" for row, right in pairs if row[:2] != right]
        currencies = [currency for _, _, currency in rows]
        if currencies != sorted(currencies):
            found.append(f"{customer} has rows of the former statement after those of the changed one")
    return found


def goes_on(running: Broker, job: RunningTotals) -> None:
    """Wait until the job has written further orders, and the operator has seen it run."""
    start = running.count(TOTALS)
    until("further totals", lambda: running.count(TOTALS) > start + BATCH, 240)
    job.seen_running()


def reports_lag(job: RunningTotals) -> None:
    """Wait until the source of a job reports the number of records that it has not read."""
    running = until("the job runs", job.job)
    path = f"/jobs/{running['jid']}/vertices/{running['vertices'][0]['id']}/subtasks/metrics"
    until("pendingRecords", lambda: ".pendingRecords" in str(job.ask(path)), state=lambda: job.ask(path))


def test_every_order_is_once_in_the_output_of_both_jobs(brokers: Broker, platform: Project, kubectl: Kubectl) -> None:
    job = RunningTotals(kubectl, platform.folder, list, name=TOTALS)
    large = RunningTotals(kubectl, platform.folder, list, name=LARGE)
    orders = Orders(brokers)

    with step("both jobs read and write topics"):
        result = platform.make("up", jobs={TOTALS: {"enabled": False}, LARGE: {"enabled": False}})
        assert result.code == 0, result.output
        with_passwords(kubectl)
        orders.start()
        up(platform)
        goes_on(brokers, job)
        large.seen_running()

    with step("both sources report their lag, which alert and dashboard use"):
        for reading in (job, large):
            reports_lag(reading)

    with step("a killed TaskManager is replaced"):
        before = job.restored().get("restore_timestamp", 0)
        for killed in (job, large):
            killed.kill("taskmanager")
        until("a restore", lambda: job.job() and job.restored().get("restore_timestamp", 0) > before)
        goes_on(brokers, job)

    with step("a killed JobManager restores its checkpoint"):
        before = job.restored().get("restore_timestamp", 0)
        for killed in (job, large):
            killed.kill("jobmanager")
        until("a restore", lambda: job.job() and job.restored().get("restore_timestamp", 0) > before)
        assert not job.restored()["is_savepoint"]
        goes_on(brokers, job)

    with step("a changed statement continues from a savepoint"):
        up(platform, parameters={"currency": AFTER})
        assert job.restored()["is_savepoint"]
        goes_on(brokers, job)

    with step("another parallelism continues from a savepoint"):
        up(platform, parameters={"currency": AFTER}, parallelism=1)
        assert job.restored()["is_savepoint"]
        actual = until("the job runs", job.job)
        assert {vertex["parallelism"] for vertex in actual["vertices"]} == {1}
        goes_on(brokers, job)

    with step("each order is once in both outputs"):
        produced = orders.stop()
        print(f"{produced} orders")

        def complete() -> Totals | None:
            totals = totals_of(brokers.committed(TOTALS))
            assert not problems(totals), problems(totals)[:5]
            return totals if sum(map(len, totals.values())) >= produced else None

        totals = until("all totals", complete, 240)
        assert {customer: len(rows) for customer, rows in totals.items()} == {
            f"c{number}": produced // CUSTOMERS for number in range(CUSTOMERS)
        }
        assert {rows[0][2] for rows in totals.values()} == {BEFORE}
        assert {rows[-1][2] for rows in totals.values()} == {AFTER}
        expected = list(range(LIMIT, produced + 1))

        def large_orders() -> list[int] | None:
            numbers = sorted(json.loads(line)["id"] for line in brokers.committed(LARGE))
            assert len(numbers) == len(set(numbers))
            return numbers if len(numbers) >= len(expected) else None

        assert until("all large orders", large_orders, 240) == expected
