"""Everything that the sandbox is made of: Debian packages, Go programs, images, charts."""

import shutil
from pathlib import Path

from sandbox import debian, golang, system_images
from sandbox.charts import build_charts
from sandbox.home import Home
from sandbox.images import build_images
from sandbox.lock import locked


def build(home: Home) -> None:
    """Builds what is missing; seconds when nothing is.

    Raises:
        Failure: a package, a program or an image cannot be had; says which and why.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with locked(home.lock, "build the sandbox"):
        debian.install([package for package, program in debian.PROGRAMS.items() if not _there(program)])
        golang.build(home)
        system_images.build(home)
        build_images(where=home)
        build_charts(where=home)


def _there(programs: tuple[str, ...]) -> bool:
    return any(Path(program).exists() if "/" in program else shutil.which(program) for program in programs)
