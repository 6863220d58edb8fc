"""The images that run in the sandbox, built from packages of Debian, PyPI and Maven and from this repository.

`build_images()` builds what is missing and is cheap when nothing is. Layers are shared: all images below but
those of single Go programs (cert-manager, Prometheus) stand on one Debian layer. `PAIRS` says which images belong to an
operator version.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sandbox import image
from sandbox.home import Home, home
from sandbox.images import cert_manager, prometheus
from sandbox.images.operator import Operator
from sandbox.images.pyflink import PyFlink
from sandbox.images.s3_server import S3Server
from sandbox.report import Failure, say


class Recipe(Protocol):
    """What an image is built from."""

    @property
    def name(self) -> str:
        """The image's short name, `pyflink:dev`."""
        ...

    def build(self, home: Home) -> image.Image:
        """Builds what is missing of the image and gives it its name."""
        ...


@dataclass(frozen=True)
class Pair:
    """An operator and the image of the jobs that run under it; pairs/<version>.yaml is a stack's config for it."""

    operator: Operator
    pyflink: PyFlink

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Its images."""
        return (self.operator, self.pyflink)


PAIRS = (
    Pair(Operator("1.16.1"), PyFlink("dev", "2.2.1")),
    Pair(Operator("1.7.0"), PyFlink("dev-1.19", "1.19.3")),  # the newest Flink that this operator supports
)
"""The pairs that the sandbox can build, the default one first."""
OPERATORS = tuple(pair.operator for pair in PAIRS)
BUCKETS = PyFlink("dev-2.3", "2.3.0")
"""The image with Flink's file systems for buckets, all of which are published of no other version from 2.1 on."""
PYFLINKS = (*(pair.pyflink for pair in PAIRS), BUCKETS)
RECIPES: tuple[Recipe, ...] = (
    *(recipe for pair in PAIRS for recipe in pair.recipes),
    BUCKETS,
    S3Server(),
    *cert_manager.IMAGES,
    *prometheus.IMAGES,
)
"""Every image, in the order in which they are built."""


def pair_of(operator: str) -> Pair:
    """The pair of an operator version.

    Raises:
        Failure: the sandbox cannot build that version.
    """
    for pair in PAIRS:
        if pair.operator.version == operator:
            return pair
    there = ", ".join(pair.operator.version for pair in PAIRS)
    raise Failure(f"the sandbox has no operator {operator}; there are {there}")


def build_images(names: Collection[str] | None = None, *, where: Home | None = None) -> list[image.Image]:
    """Builds those images (short names; the default pair's when left out) as far as they are not there already.

    The caller holds the build lock (`sandbox.lock`). Says a line for each image that is new.

    Raises:
        Failure: a name is unknown, or a build failed; says which, why and what to do.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    wanted = set(names) if names is not None else {recipe.name for recipe in PAIRS[0].recipes}
    unknown = sorted(wanted - known.keys())
    if unknown:
        raise Failure(f"no such image: {', '.join(unknown)}; there are {', '.join(known)}")
    where = where or home()
    before = image.Store(where.images).images()
    built: list[image.Image] = []
    for name, recipe in known.items():
        if name in wanted:
            started = time.monotonic()
            built.append(recipe.build(where))
            if built[-1] not in before:
                say(f"image {name}: {_size(where, built[-1])}, {time.monotonic() - started:.1f} s")
    return built


def _size(where: Home, built: image.Image) -> str:
    return f"{sum(part.size for part in image.Store(where.images).parts(built)) / 1e6:.0f} MB"
