"""A Kafka broker as a pod in the sandbox, under the address that Strimzi gives to the cluster of examples/kafka."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from flink_k8s.support.kubectl import Kubectl
from sandbox.images.kafka import LOCAL, PORT, Kafka
from tests.waiting import until

NAMESPACE = "kafka"
POD = "events-all-0"
SERVICE = "events-kafka-bootstrap"
LABELS = {"strimzi.io/cluster": "events"}
PASSWORD = "s3cret"


@dataclass(frozen=True)
class Broker:
    """The running broker.

    Attributes:
        kubectl: of the sandbox.
    """

    kubectl: Kubectl

    def tool(self, name: str, *arguments: str) -> str:
        """The output of one of Kafka's tools."""
        script = f"kafka-{name}.sh"
        return self.kubectl.run(
            "exec", "-n", NAMESPACE, POD, "--", script, "--bootstrap-server", LOCAL, *arguments
        ).decode()

    def create_topic(self, name: str, partitions: int = 4) -> None:
        """Create a topic."""
        self.tool("topics", "--create", "--topic", name, "--partitions", str(partitions))

    def create_user(self, name: str, *, reads: str, writes: str) -> None:
        """Create a user with the rights that its KafkaUser in examples/kafka has.

        Args:
            name: of the user, of its consumer group, and the prefix of its transactions.
            reads: topic that it reads.
            writes: topic that it writes.
        """
        password = f"SCRAM-SHA-512=[password={PASSWORD}]"
        self.tool("configs", "--alter", "--add-config", password, "--entity-type", "users", "--entity-name", name)
        for operations, resource in (
            (["Describe", "Read"], ["--topic", reads]),
            (["Read"], ["--group", name]),
            (["Describe", "Write"], ["--topic", writes]),
            (["Describe", "Write"], ["--transactional-id", name, "--resource-pattern-type", "prefixed"]),
        ):
            allowed = [part for operation in operations for part in ("--operation", operation)]
            self.tool("acls", "--add", "--allow-principal", f"User:{name}", *allowed, *resource)

    def produce(self, topic: str, records: Iterable[tuple[str, str]]) -> None:
        """Write records, each a key and a value, exactly once."""
        lines = "".join(f"{key}\t{value}\n" for key, value in records)
        options = ["--bootstrap-server", LOCAL, "--topic", topic, "--reader-property", "parse.key=true"]
        # The defaults of the tool are 3 retries after 1.5 s, and it only logs a lost record.
        options += ["--request-timeout-ms", "30000", "--message-send-max-retries", "1000000"]
        options += ["--command-property", "enable.idempotence=true"]
        command = ["exec", "-i", "-n", NAMESPACE, POD, "--", "kafka-console-producer.sh", *options]
        self.kubectl.run(*command, stdin=lines.encode())

    def count(self, topic: str) -> int:
        """The sum of the end offsets of a topic, which also counts markers of transactions and uncommitted records."""
        lines = self.tool("get-offsets", "--topic", topic).split()
        return sum(int(line.rpartition(":")[2]) for line in lines)

    def committed(self, topic: str, idle: int = 20) -> list[str]:
        """The values of a topic that a consumer reads which sees committed records only.

        Args:
            topic: to read; nothing writes to it anymore.
            idle: seconds without a further record, after which the consumer ends.
        """
        options = ["--topic", topic, "--from-beginning", "--isolation-level", "read_committed"]
        options += ["--timeout-ms", str(idle * 1000), "--bootstrap-server", LOCAL]
        result = self.kubectl.try_run("exec", "-n", NAMESPACE, POD, "--", "kafka-console-consumer.sh", *options)
        return result.stdout.decode().splitlines()


@contextmanager
def broker(kubectl: Kubectl) -> Generator[Broker]:
    """The broker, without topics."""
    image = Kafka()
    container = {
        "name": "kafka",
        "image": image.name,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "KAFKA_ADVERTISED_HOST", "value": f"{SERVICE}.{NAMESPACE}.svc"}],
        "ports": [{"name": "clients", "containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}},
    }
    objects = [
        {"kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"kind": "Pod", "metadata": {"name": POD, "namespace": NAMESPACE, "labels": LABELS}}
        | {"spec": {"containers": [container]}},
        {"kind": "Service", "metadata": {"name": SERVICE, "namespace": NAMESPACE}}
        | {"spec": {"selector": LABELS, "ports": [{"name": "clients", "port": PORT}]}},
    ]
    for manifest in objects:
        kubectl.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **manifest}).encode())
        if manifest["kind"] == "Namespace":
            until("the default account", lambda: kubectl.get("serviceaccount", "default", "-n", NAMESPACE), 30)
    try:
        kubectl.run("wait", "--for=condition=Ready", f"pod/{POD}", "-n", NAMESPACE, "--timeout=120s")
        yield Broker(kubectl)
    finally:
        kubectl.try_run("delete", "namespace", NAMESPACE, "--timeout=60s")
