"""A Kafka broker for jobs in the sandbox: one node (KRaft), with Kafka's command line tools.

`pom.xml` lists the jars, `jars.sha256` their checksums, `root` has the other files of the image.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import debian
from sandbox.images.layers import files, layers
from sandbox.images.maven import fetch_jars

SOURCES = Path(__file__).parent
PORT = 9092
"""The port for clients in the cluster."""

LOCAL = "127.0.0.1:9094"
"""The address for the tools in the pod itself, without authentication."""

TOOLS = ("acls", "configs", "console-consumer", "console-producer", "get-offsets", "server-start", "storage", "topics")
"""Kafka's scripts: `kafka-<tool>.sh`."""

_ROOT = SOURCES / "root"
_HOME = Path("opt/kafka")


@dataclass(frozen=True)
class Kafka:
    """The image `kafka:<version>`."""

    @property
    def version(self) -> str:
        """The broker's version."""
        return re.findall(r"<kafka.version>(\S+)</", (SOURCES / "pom.xml").read_text())[0]

    @property
    def name(self) -> str:
        """The image's short name."""
        return f"kafka:{self.version}"

    def build(self, home: Home) -> image.Image:
        """Build the missing layers of the image, and write it with its name."""

        def lay(roots: Mapping[str, Path]) -> None:
            lay_files(roots["kafka"])
            fetch_jars(home, "kafka", SOURCES, roots["kafka"] / _HOME / "lib")

        layer = layers(home, ["kafka"], [SOURCES], lay)[0]
        return image.Store(home.images).write_image(
            self.name,
            [debian.layer(home), layer],
            entrypoint=["/docker-entrypoint.sh"],
            env={
                "KAFKA_HOME": f"/{_HOME}",
                "LANG": "C.UTF-8",
                "PATH": f"/{_HOME}/bin:/usr/local/bin:/usr/bin:/bin",
            },
            user=f"{debian.FLINK_USER}:{debian.FLINK_USER}",
        )


def lay_files(root: Path) -> None:
    """Put the entry point, the scripts and the configuration into an image's root folder."""
    for path in files(_ROOT):
        target = root / path.relative_to(_ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for tool in TOOLS:
        (root / _HOME / "bin" / f"kafka-{tool}.sh").symlink_to("kafka-run-class.sh")
