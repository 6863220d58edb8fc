"""The job of `dev.bench.scaling`: copies orders from one topic to another, exactly once, with a fixed time per order.

    paced_orders.py --brokers HOST:PORT --milliseconds TIME

The time per order limits what one subtask of `work` can process, as a call of another system would. The user of the
brokers is `paced-orders`, and its password is in the environment variable KAFKA_PASSWORD.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

NAME = "paced-orders"
INPUT, OUTPUT = "orders", "paced-orders"
WORK = "work"


def client(password: str) -> dict[str, str]:
    """The options of a client of the brokers."""
    # The connector contains Kafka's client in a package of its own.
    module = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": f'{module} required username="{NAME}" password="{password}";',
    }


def build(brokers: str, seconds: float, password: str) -> Any:
    """The environment with the job, ready to execute."""
    from pyflink.common import Types, WatermarkStrategy
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
        .set_bootstrap_servers(brokers)
        .set_topics(INPUT)
        .set_group_id(NAME)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        # Kafka's client learns the end of a partition, and so its lag, with each fetch. The default of 1 MB contains
        # minutes of such short orders.
        .set_property("max.partition.fetch.bytes", "8192")
        .set_property("max.poll.records", "100")
    )
    records = KafkaRecordSerializationSchema.builder().set_topic(OUTPUT)
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(brokers)
        .set_record_serializer(records.set_value_serialization_schema(SimpleStringSchema()).build())
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(NAME)
        .set_property("transaction.timeout.ms", "900000")
    )
    for key, value in client(password).items():
        source.set_property(key, value)
        sink.set_property(key, value)

    def work(order: str) -> str:
        time.sleep(seconds)
        return order

    environment = StreamExecutionEnvironment.get_execution_environment()
    (
        environment.from_source(source.build(), WatermarkStrategy.no_watermarks(), "orders")
        .uid("orders")
        .rebalance()  # not chained: the autoscaler measures the load of `work`
        .map(work, output_type=Types.STRING())
        .uid(WORK)
        .name(WORK)
        .sink_to(sink.build())
        .uid("output")
        .name("output")
    )
    return environment


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--milliseconds", type=float, required=True)
    options = parser.parse_args()
    build(options.brokers, options.milliseconds / 1000, os.environ["KAFKA_PASSWORD"]).execute(NAME)
