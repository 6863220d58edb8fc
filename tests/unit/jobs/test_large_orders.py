"""The PyFlink job of examples/kafka, without Kafka: which records it copies, and how it connects."""

from __future__ import annotations

import pytest

from tests.unit.jobs.conftest import load

large_orders = load("large_orders")


@pytest.mark.parametrize(
    ("record", "is_large"),
    [
        ('{"id": 1, "cents": 100}', True),
        ('{"id": 1, "cents": 99}', False),
        ('{"id": 1}', False),
        ('{"cents": "100"}', False),
        ("[100]", False),
        ("100", False),
        ("no JSON", False),
    ],
)
def test_orders_from_the_limit_on_are_large(record: str, is_large: bool) -> None:
    assert large_orders.is_large(record, 100) is is_large


def test_topics_and_limit_have_defaults() -> None:
    options = large_orders.parse(["--brokers", "kafka:9092"])
    assert (options.brokers, options.limit, options.input, options.output) == (
        "kafka:9092",
        100_000,
        "orders",
        "large-orders",
    )


def test_client_uses_the_login_module_of_the_connector() -> None:
    options = large_orders.client("p")
    assert options["sasl.jaas.config"].startswith("org.apache.flink.kafka.shaded.")
    assert options["sasl.jaas.config"].endswith('username="large-orders" password="p";')
