"""An S3 server for tests in the cluster: moto, which keeps everything in memory and checks no signature."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import command, debian
from sandbox.images.layers import layers

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PORT = 5000
"""Where it listens."""


@dataclass(frozen=True)
class S3Server:
    """The image `moto:<version>`; its pods need no arguments."""

    @property
    def version(self) -> str:
        """The server's version."""
        return re.findall(r"^moto==(\S+)", _REQUIREMENTS.read_text(), re.MULTILINE)[0]

    @property
    def name(self) -> str:
        """The image's short name."""
        return f"moto:{self.version}"

    def build(self, home: Home) -> image.Image:
        """Builds what is missing of it and gives it its name."""

        def lay(roots: Mapping[str, Path]) -> None:
            site = roots["moto"] / "usr/local/lib" / f"python{debian.PYTHON}" / "dist-packages"
            install = [command.python(debian.PYTHON), "-m", "pip", "install", "--root-user-action=ignore"]
            install += ["--ignore-installed", "--disable-pip-version-check", "--target", str(site)]
            command.run(home, "moto", [*install, "--requirement", str(_REQUIREMENTS)])

        layer = layers(home, ["moto"], [Path(__file__), _REQUIREMENTS, debian.PYTHON, image.architecture()], lay)[0]
        return image.Store(home.images).write_image(
            self.name,
            [debian.layer(home), layer],
            entrypoint=["python3", "-m", "moto.server", "--host", "0.0.0.0", "--port", str(PORT)],
            # Or the first part of a Service's name would be taken for a bucket.
            env={"LANG": "C.UTF-8", "HOME": "/tmp", "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"},
            user=f"{debian.FLINK_USER}:{debian.FLINK_USER}",
        )
