"""The images of the sandbox, built from packages of Debian, PyPI and Maven and from this repository.

`build_images()` builds missing images. Layers are shared: all images except those of single Go programs (cert-manager,
Prometheus, VictoriaLogs) contain the same Debian layer. `PAIRS` lists the images of each operator version.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sandbox import image
from sandbox.home import Home, home
from sandbox.images import cert_manager, prometheus, victoria_logs
from sandbox.images.kafka import Kafka
from sandbox.images.operator import Operator
from sandbox.images.pyflink import PyFlink
from sandbox.images.s3_server import S3Server
from sandbox.report import Failure, say


class Recipe(Protocol):
    """Builds an image."""

    @property
    def name(self) -> str:
        """The image's short name, `pyflink:dev`."""
        ...

    def build(self, home: Home) -> image.Image:
        """Build the missing layers of the image, and write it with its name."""
        ...


@dataclass(frozen=True)
class Pair:
    """An operator and the image of its jobs; pairs/<version>.yaml is the stack config for it."""

    operator: Operator
    pyflink: PyFlink

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The images of the pair."""
        return (self.operator, self.pyflink)


PAIRS = (
    Pair(Operator("1.16.1"), PyFlink("dev", "2.2.1")),
    Pair(Operator("1.7.0"), PyFlink("dev-1.19", "1.19.3")),  # the newest Flink that this operator supports
)
"""The pairs that the sandbox can build, the default pair first."""
OPERATORS = tuple(pair.operator for pair in PAIRS)
BUCKETS = PyFlink("dev-2.3", "2.3.0")
"""The image with Flink's file systems for buckets: since 2.1, only this version has all of them on Maven Central."""
KAFKA_JOBS = PyFlink("dev-kafka", "2.2.1", kafka=True)
"""The default pair's image for jobs with Flink's connector for Kafka."""
KAFKA_JOBS_1_19 = PyFlink("dev-kafka-1.19", "1.19.3", kafka=True)
"""That of operator 1.7.0, whose autoscaler is published."""
PYFLINKS = (*(pair.pyflink for pair in PAIRS), BUCKETS, KAFKA_JOBS, KAFKA_JOBS_1_19)
RECIPES: tuple[Recipe, ...] = (
    *(recipe for pair in PAIRS for recipe in pair.recipes),
    BUCKETS,
    KAFKA_JOBS,
    KAFKA_JOBS_1_19,
    Kafka(),
    S3Server(),
    *cert_manager.IMAGES,
    *prometheus.IMAGES,
    *victoria_logs.IMAGES,
)
"""Every image, in build order."""


def pair_of(operator: str) -> Pair:
    """The pair of an operator version.

    Raises:
        Failure: the sandbox cannot build that version.
    """
    for pair in PAIRS:
        if pair.operator.version == operator:
            return pair
    known = ", ".join(pair.operator.version for pair in PAIRS)
    raise Failure(f"the sandbox cannot build operator {operator}; it can build {known}")


def build_images(names: Collection[str] | None = None, *, where: Home | None = None) -> list[image.Image]:
    """Build missing images; `names` are short names, by default those of the default pair.

    The caller must hold the build lock (`sandbox.lock`). Prints a line for each new image.

    Raises:
        Failure: a name is unknown, or a build failed; with the reason and the remedy.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    selected = set(names) if names is not None else {recipe.name for recipe in PAIRS[0].recipes}
    unknown = sorted(selected - known.keys())
    if unknown:
        raise Failure(f"unknown images: {', '.join(unknown)}; known images: {', '.join(known)}")
    where = where or home()
    before = image.Store(where.images).images()
    built: list[image.Image] = []
    for name, recipe in known.items():
        if name in selected:
            started = time.monotonic()
            built.append(recipe.build(where))
            if built[-1] not in before:
                say(f"image {name}: {_size(where, built[-1])}, {time.monotonic() - started:.1f} s")
    return built


def _size(where: Home, built: image.Image) -> str:
    return f"{sum(part.size for part in image.Store(where.images).parts(built)) / 1e6:.0f} MB"
