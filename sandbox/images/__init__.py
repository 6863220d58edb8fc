"""The images that run in the sandbox, built from packages of Debian, PyPI and Maven and from this repository.

`build_images()` builds what is missing and is cheap when nothing is. Layers are shared: all images below stand on one
Debian layer.
"""

import time
from collections.abc import Collection
from typing import Protocol

from sandbox import image
from sandbox.home import Home, home
from sandbox.images import cert_manager
from sandbox.images.operator import Operator
from sandbox.images.pyflink import PyFlink
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


OPERATORS = (Operator("1.16.1"), Operator("1.7.0"))
# The operator 1.7.0 supports Flink up to 1.19.
PYFLINKS = (PyFlink("dev", "2.2.1"), PyFlink("dev-1.19", "1.19.3"))
RECIPES: tuple[Recipe, ...] = (*OPERATORS, *PYFLINKS)
"""The images that are built unless others are named, in this order."""
EXTRA: tuple[Recipe, ...] = cert_manager.IMAGES
"""Images that are built only when they are named: nothing that the sandbox's stack has by default needs them."""


def build_images(names: Collection[str] | None = None, *, where: Home | None = None) -> list[image.Image]:
    """Builds those images (short names; those of `RECIPES` when left out) as far as they are not there already.

    The caller holds the build lock (`sandbox.lock`).

    Raises:
        Failure: a name is unknown, or a build failed; says which, why and what to do.
    """
    known = {recipe.name: recipe for recipe in (*RECIPES, *EXTRA)}
    wanted = set(names) if names is not None else {recipe.name for recipe in RECIPES}
    unknown = sorted(wanted - known.keys())
    if unknown:
        raise Failure(f"no such image: {', '.join(unknown)}; there are {', '.join(known)}")
    where = where or home()
    built: list[image.Image] = []
    for name, recipe in known.items():
        if name in wanted:
            started = time.monotonic()
            built.append(recipe.build(where))
            say(f"image {name}: {_size(where, built[-1])}, {time.monotonic() - started:.1f} s")
    return built


def _size(where: Home, built: image.Image) -> str:
    return f"{sum(part.size for part in image.Store(where.images).parts(built)) / 1e6:.0f} MB"
