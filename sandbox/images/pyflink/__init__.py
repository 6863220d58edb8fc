"""The images that jobs run in: Debian, Python packages with Flink's own, Flink's distribution, the jobs' code.

The layout is that of the image that users build with jobs/pyflink/Dockerfile: /opt/flink, /docker-entrypoint.sh, user
flink (9999), the jobs' code in /opt/flink/usrlib/{src,input}, Python as /usr/local/bin/python3.
"""

from dataclasses import dataclass
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import debian
from sandbox.images.pyflink.connectors import kafka_layer
from sandbox.images.pyflink.distribution import distribution
from sandbox.images.pyflink.job import job_layer
from sandbox.images.pyflink.plugins import plugin_layers


@dataclass(frozen=True)
class PyFlink:
    """An image `pyflink:<tag>` with that version of Flink, and with the connector for Kafka if `kafka` is true."""

    tag: str
    flink: str
    kafka: bool = False

    @property
    def name(self) -> str:
        """The image's short name."""
        return f"pyflink:{self.tag}"

    @property
    def requirements(self) -> Path:
        """Its Python packages, each with its version."""
        return Path(__file__).with_name(f"requirements-{self.flink}.txt")

    def build(self, home: Home) -> image.Image:
        """Builds what is missing of it and gives it its name: minutes the first time, seconds for a changed job."""
        base = debian.layer(home)
        python, flink = distribution(home, self.flink, self.requirements)
        connectors = [kafka_layer(home, self.flink)] if self.kafka else []
        return image.Store(home.images).write_image(
            self.name,
            [base, python, flink, *plugin_layers(home, self.flink), *connectors, job_layer(home)],
            entrypoint=["/docker-entrypoint.sh"],
            env={
                "PATH": "/opt/flink/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "FLINK_HOME": "/opt/flink",
                "JAVA_HOME": debian.java_home(),
                "LANG": "C.UTF-8",
            },
            workdir="/opt/flink",
            user=f"{debian.FLINK_USER}:{debian.FLINK_USER}",
        )
