"""Flink's connector for Kafka in lib/, for an image whose jobs read and write topics."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import maven
from sandbox.images.layers import layers
from sandbox.images.pyflink.ownership import FLINK_HOME, own

_NAME = "flink-sql-connector-kafka"


def kafka_connector(flink: str) -> tuple[str, str]:
    """Artifact (`group:name:version`) and SHA-256 of the connector for a Flink version."""
    digest, jar = _list(flink).read_text().split()
    return f"org.apache.flink:{_NAME}:{jar.removeprefix(f'{_NAME}-').removesuffix('.jar')}", digest


def kafka_layer(home: Home, flink: str) -> image.Layer:
    """The layer with the connector."""
    name = f"flink-kafka-{flink}"

    def lay(roots: Mapping[str, Path]) -> None:
        target = roots[name] / FLINK_HOME / "lib"
        target.mkdir(parents=True)
        shutil.copy(maven.fetch_jar(home, *kafka_connector(flink), home.root / "work" / name), target)
        own(roots[name] / FLINK_HOME)

    return layers(home, [name], [Path(__file__), _list(flink)], lay)[0]


def _list(flink: str) -> Path:
    return Path(__file__).with_name(f"connectors-{flink}.sha256")
