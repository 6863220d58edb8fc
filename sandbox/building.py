"""Everything that the sandbox is made of: Debian packages, Go programs, images, charts."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sandbox import debian, engine, golang, pruning, system_images
from sandbox.charts import build_cert_manager, build_chart, build_prometheus
from sandbox.home import Home
from sandbox.images import PAIRS, build_images, pair_of
from sandbox.lock import locked


def build(
    home: Home,
    operators: Sequence[str] = (),
    *,
    cert_manager: bool = False,
    prometheus: bool = False,
    policies: bool = False,
    pulumi: bool = False,
) -> None:
    """Builds what is missing; seconds when nothing is. Then removes what nobody has used for long.

    Args:
        home: where.
        operators: versions of the operator, each with the jobs' image of its pair; none stands for the default pair.
        cert_manager: whether cert-manager's images and chart are wanted, too.
        prometheus: whether the images and the chart of Prometheus and its operator are, with promtool.
        policies: whether what enforces NetworkPolicies is.
        pulumi: whether Pulumi is; one that was built before is kept up to date in any case.

    Raises:
        Failure: a package, a program or an image cannot be had, or a version is unknown; says which and why.
    """
    pairs = [pair_of(version) for version in operators] or [PAIRS[0]]
    home.root.mkdir(parents=True, exist_ok=True)
    with locked(home.lock, "build the sandbox"):
        packages = debian.PROGRAMS | (debian.POLICIES if policies else {})
        debian.install([package for package, program in packages.items() if not _there(program)])
        golang.build(home, (*golang.ALL, golang.CALICO) if policies else golang.ALL)
        system_images.build(home)
        for pair in pairs:
            build_images([recipe.name for recipe in pair.recipes], where=home)
            build_chart(pair.operator, where=home)
            os.utime(pair.operator.jars(home))  # so that `sandbox.pruning` sees when it was used last
        if cert_manager:
            build_cert_manager(where=home)
        if prometheus:
            build_prometheus(where=home)
        if pulumi or engine.is_built(home):
            engine.install(home)
        pruning.prune(home)


def _there(programs: tuple[str, ...]) -> bool:
    return any(Path(program).exists() if "/" in program else shutil.which(program) for program in programs)
