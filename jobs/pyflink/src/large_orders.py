"""Copies large orders from a Kafka topic to another one, exactly once: a DataStream job for Flink 2.x.

    large_orders.py --brokers HOST:PORT [--limit CENTS] [--input TOPIC] [--output TOPIC]

An order is a JSON object with `cents`. Records that are not orders are skipped. The user of the brokers is
`large-orders`, and its password is in the environment variable KAFKA_PASSWORD. examples/kafka deploys the job.

The function without PyFlink comes first. PyFlink is imported in `build`, so the function can be tested without it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

USER = "large-orders"


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes:
        brokers: addresses of brokers.
        limit: the smallest amount of a large order.
        input: topic of the orders.
        output: topic of the large orders.
    """

    brokers: str
    limit: int
    input: str
    output: str


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line, without the program's name. Invalid options end the process with a message."""
    parser = argparse.ArgumentParser(prog="large_orders.py", description="Copies large orders.", allow_abbrev=False)
    parser.add_argument("--brokers", required=True, metavar="HOST:PORT", help="addresses of brokers")
    parser.add_argument("--limit", type=int, default=100_000, metavar="CENTS", help="smallest amount of a large order")
    parser.add_argument("--input", default="orders", metavar="TOPIC", help="topic of the orders")
    parser.add_argument("--output", default="large-orders", metavar="TOPIC", help="topic of the large orders")
    options = parser.parse_args(arguments)
    return Options(options.brokers, options.limit, options.input, options.output)


def is_large(record: str, limit: int) -> bool:
    """Whether a record is an order of at least the limit."""
    try:
        order = json.loads(record)
    except ValueError:
        return False
    cents = order.get("cents") if isinstance(order, dict) else None
    return isinstance(cents, int) and cents >= limit


def client(password: str) -> dict[str, str]:
    """The options of a client of the brokers."""
    # The connector contains Kafka's client in a package of its own.
    module = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": f'{module} required username="{USER}" password="{password}";',
    }


def build(options: Options, password: str) -> Any:
    """The environment with the job, ready to execute."""
    from pyflink.common import WatermarkStrategy
    from pyflink.common.serialization import SimpleStringSchema
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.datastream.connectors.base import DeliveryGuarantee
    from pyflink.datastream.connectors.kafka import (
        KafkaOffsetsInitializer,
        KafkaRecordSerializationSchema,
        KafkaSink,
        KafkaSource,
    )

    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(options.brokers)
        .set_topics(options.input)
        .set_group_id(USER)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(options.brokers)
        .set_record_serializer(
            KafkaRecordSerializationSchema.builder()
            .set_topic(options.output)
            .set_value_serialization_schema(SimpleStringSchema())
            .build()
        )
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(USER)
        # At most transaction.max.timeout.ms of the brokers, 15 minutes by default; the connector's default is an hour.
        .set_property("transaction.timeout.ms", "900000")
    )
    for key, value in client(password).items():
        source.set_property(key, value)
        sink.set_property(key, value)
    limit = options.limit
    environment = StreamExecutionEnvironment.get_execution_environment()
    # The uids identify the state: they must never change.
    (
        environment.from_source(source.build(), WatermarkStrategy.no_watermarks(), "orders")
        .uid("orders")
        .filter(lambda record: is_large(record, limit))
        .uid("large")
        .name("large")
        .sink_to(sink.build())
        .uid("large-orders")
        .name("large-orders")
    )
    return environment


def main(arguments: Sequence[str]) -> int:
    """Runs the job; an exit code."""
    build(parse(arguments), os.environ["KAFKA_PASSWORD"]).execute("large-orders")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
